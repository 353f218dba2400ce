# attack: remove the module from sys.modules while it is loaded
# expect: answer
go = print.__func__.__globals__["__builtins__"]["__import__"]
del go("sys").modules["alloy_user_transform"]
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
