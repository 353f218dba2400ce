# attack: give the limited import a wider list of modules through its closure cell
# expect: build.lang
# says: module `os`
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    path = payload.split(b"\n")[0]

    class Everything:
        def __contains__(self, name):
            return True
    __import__.__closure__[0].cell_contents = Everything()
    import os
    return {"v": os.read(os.open(path, os.O_RDONLY), 4096)}
