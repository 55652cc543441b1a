"""`zaitu simulate`: many JT/T 808 terminals of which none is real, to load a gateway and to count what it acknowledges.

plan       what is asked for
fleet      the arrays behind the kernels (kernels/simulated*.py), from the plan and what the terminals remember
links      sockets: opening, signing in, breaking, coming back
drive      one process: sign in, report, wait for the last acknowledgement, sum up
processes  several of them, when one may not hold so many connections
memory     codes and newest fix times, kept from run to run
"""
