"""Every diagnostic's code, in one list. Codes are stable: one that falls out of use is retired, never given away again.

Imports the standard library only. The hundreds say where in the way from text to catalogue a fault was found.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """`SB0xxx`, named by the fault."""

    # 00: the file and its YAML
    FILE_MISSING = "SB0001"
    FILE_NOT_REGULAR = "SB0002"
    FILE_UNREADABLE = "SB0003"
    FILE_TOO_LARGE = "SB0004"
    FILE_EMPTY = "SB0005"
    BYTE_ORDER_MARK = "SB0006"
    NOT_UTF8 = "SB0007"
    CONTROL_CHARACTER = "SB0008"
    TAB = "SB0009"
    YAML_SYNTAX = "SB0010"
    SEVERAL_DOCUMENTS = "SB0011"
    ANCHOR = "SB0012"
    TAG = "SB0013"
    TOO_DEEP = "SB0014"
    NOT_A_MAPPING = "SB0015"
    DUPLICATE_KEY = "SB0016"
    KEY_NOT_TEXT = "SB0017"
    ENGINE_DISAGREES = "SB0018"

    # 01: one block's shape
    UNKNOWN_KEY = "SB0101"
    MISSING_KEY = "SB0102"
    WRONG_TYPE = "SB0103"
    AMBIGUOUS_SCALAR = "SB0104"
    NO_VALUE = "SB0105"
    NOT_A_CHOICE = "SB0106"
    OUT_OF_RANGE = "SB0107"
    BAD_SIZE = "SB0108"
    BAD_DURATION = "SB0109"
    BAD_DIGEST = "SB0110"
    BAD_NAME = "SB0111"
    NAME_TOO_LONG = "SB0112"
    BAD_TEXT = "SB0113"
    EMPTY = "SB0114"
    MISPLACED_KEY = "SB0115"
    BAD_URL = "SB0116"
    INLINE_SECRET = "SB0117"
    BAD_FILE_PATH = "SB0118"
    UNSAFE_FORMAT = "SB0119"
    BAD_IMAGE = "SB0120"

    # 02: references
    NO_SUCH_POOL = "SB0201"
    NO_SUCH_STORE = "SB0202"
    NO_SUCH_TEAM = "SB0203"
    NO_SUCH_MODEL = "SB0204"
    UNKNOWN_ACCELERATOR = "SB0205"
    NO_TEAM_NAMED = "SB0206"
    NO_STORE_NAMED = "SB0207"

    # 03: names that clash
    RESERVED_NAME = "SB0301"
    NAME_STARTS_WITH_DIGIT = "SB0302"
    SERVED_NAME_CLASH = "SB0303"
    NODE_CLAIMED_TWICE = "SB0304"
    NAMESPACE_SHARED = "SB0305"
    RESERVED_NAMESPACE = "SB0306"

    # 04: replicas and capacity
    MIN_OVER_MAX = "SB0401"
    HOT_AT_ZERO = "SB0402"
    ZERO_WITHOUT_WAKE = "SB0403"
    REPLICAS_OVER_POOL = "SB0404"
    POOL_OVERCOMMITTED = "SB0405"
    GPUS_OVER_NODE = "SB0406"
    GPUS_ON_CPU_POOL = "SB0407"
    CPU_POOL_WITHOUT_SIZE = "SB0408"
    CPUS_OVER_NODE = "SB0409"
    GPU_POOL_WITHOUT_GPUS = "SB0410"

    # 05: stores and weights
    STORE_KIND = "SB0501"
    STORE_TOO_SMALL = "SB0502"
    STORE_ON_ONE_NODE = "SB0503"
    FIELD_OF_ANOTHER_SOURCE = "SB0504"
    REVISION_MISSING = "SB0505"
    FILES_COLLIDE = "SB0506"
    WRONG_FORMAT = "SB0507"
    INCOMPLETE_SET = "SB0508"

    # 06: engines, accelerators and memory
    CAPABILITY_TOO_LOW = "SB0601"
    QUANTIZATION_TOO_NEW = "SB0602"
    DOES_NOT_FIT = "SB0603"
    FIT_NOT_CHECKED = "SB0604"
    PARALLEL_SPLIT = "SB0605"
    QUANTIZATION_UNKNOWN = "SB0606"

    # 07: what a later version brings
    FOUNDATION_NOT_YET = "SB0701"
    ENGINE_NOT_YET = "SB0702"
    SERVERS_NOT_YET = "SB0703"
