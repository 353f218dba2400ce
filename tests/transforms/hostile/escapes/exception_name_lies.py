# attack: an exception whose class has a name that fails
# expect: script.exception
# says: Evil
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    class Meta(type):
        @property
        def __name__(cls):
            raise SystemExit
    class Evil(Exception, metaclass=Meta):
        pass
    raise Evil
