"""Two ways to hold many TCP connections, behind one contract (front.py).

sweep     our own epoll set, read once a tick by a kernel: the cheapest a frame, no TLS
uvloop    one protocol object a connection: the usual way, with TLS if wanted
"""
