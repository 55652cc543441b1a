"""The device gateway: JT/T 808 and electronic locks over TCP.

server       the process: connections, their watchdog, chores
fronts       who holds the sockets: an epoll sweep, or uvloop protocols
connections  what is remembered of each connection, in arrays by slot
intake       once a tick: read, store, and only then acknowledge
reading      a tick's bytes → columns, heartbeats, frames for sessions
session      the conversation beside the positions
commands     what terminals are asked to do, and their answers
parts        messages in several frames
locks        reports of electronic locks; lock_port: those with languages of their own
warm         kernels compiled before the first terminal comes; warm_engine: those of the engine
numbers      metrics
"""
