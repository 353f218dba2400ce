# attack: trace the runner and write into its frames
# expect: answer | script.wall | violation.protocol
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    go = print.__func__.__globals__["__builtins__"]["__import__"]

    sys = go("sys")
    def trace(frame, event, value):
        frame.f_trace_opcodes = True
        frame.f_locals["codes"] = b"\xff"
        return trace
    sys.settrace(trace)
    frame = sys._getframe()
    while frame is not None:
        frame.f_trace, frame = trace, frame.f_back
    return {"v": b"x"}
