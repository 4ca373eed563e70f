"""Mail: whom what happened concerns, what they are told, how it hangs together, and how it is sent.

``notices`` reads the log and writes down what is to be sent, ``outbox`` sends it: ``writing`` says in
``texts`` what, ``letters`` makes the mail of it, ``threads`` marks it, ``smtp`` hands it over.
"""
