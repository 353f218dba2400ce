"""Every bound of the configuration compiler, with its unit."""

MAX_FILE_BYTES = 1 << 20  # one YAML file [B]
MAX_DEPTH = 32  # nesting of one file [levels]
MAX_NODES = 20_000  # values of one file after its aliases are expanded [count]
MAX_SCALAR_CHARS = 4096  # one key or value [characters]
MAX_PIPELINES = 256  # files under pipelines/ [count]
MAX_PROBLEMS = 100  # findings of one file; the rest is counted in one line [count]
MAX_STAGES = 8  # transforms of one chain [count]
MAX_CASES = 64  # cases of one route [count]
MAX_SINKS = 8  # sinks of one pipeline [count]
MAX_PARAMS = 64  # params of one stage, fields of one `expect` [count]
MAX_INPUTS = 16  # parameters of an element-wise transform [count]
MAX_TRANSFORM_BYTES = 64 << 10  # source of one transform [B]
MAX_SOURCES_BYTES = 8 << 20  # sources of all transforms together [B]
MAX_NAME_CHARS = 64  # pipeline, stream, fleet, device [characters]

MAX_DOCUMENT_BYTES = 16 << 20  # the compiled document [B]
COMPILE_WALL_S = 30.0  # the compiler process [s]; beyond its CPU, a host may stand still for seconds
COMPILE_CPU_S = 10  # of it [s]
COMPILE_DATA_BYTES = 192 << 20  # RLIMIT_DATA of the compiler process [B]
COMPILE_STDERR_BYTES = 64 << 10  # what the core keeps of its stderr [B]
