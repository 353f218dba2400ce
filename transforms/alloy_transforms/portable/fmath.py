"""Elementary functions every transform may import as `fmath`, the same bits on every machine with 64-bit floats.

Written in the portable language itself: only + - * /, floor, frexp and ldexp, all exactly rounded by IEEE 754, so no
C library decides a last bit. Constants are integers over powers of two: any parser reads them exactly. Where
a rounding would be felt, a number is carried as a pair of floats, high and low; a function returns one float, so the
low halves have functions of their own. Errors are measured against 60-digit arithmetic, largest in 200,000 samples.
"""
import math

SPLIT = 134217729.0  # 2**27 + 1
LN2_1 = 762123384785 / 2**40  # 40 bits: a multiple up to 2**13 is exact
LN2_2 = 891099531747 / 2**80
LN2_3 = 6318895444973032 / 2**133
INV_LN2 = 6497320848556798 / 2**52
INV_PIO2 = 5734161139222659 / 2**53
PIO2_1 = 6746518852 / 2**32  # 33 bits: a multiple up to 2**20 is exact
PIO2_2 = 4484108710 / 2**66
PIO2_3 = 5127054048 / 2**101
PIO2_4 = 7744522442262977 / 2**156
PI_HIGH = 7074237752028440 / 2**51
PI_LOW = 4967757600021511 / 2**105
SQRT_HALF = 6369051672525773 / 2**53
EXP_MAX = 6243314768165359 / 2**43  # 709.78...
TINY = 1 / 2**200  # below it the low half of a product is not needed
LIMIT = 1048576.0  # 2**20, for sine and cosine
ATAN_HIGH = (
    0, 1120090214204910, 2206571631943735, 3231518913884024, 4176166398254504, 5031415336861364, 5796142707547873,
    6474645036877364, 7074237752028440,
)
ATAN_LOW = (
    0, -2505356231290977, 3119785988519416, 2505878372763066, -2662056020158088, -442613333730921, 1284670385596694,
    -1742533888227261, 2483878800010755,
)


def sum_low(a: float, b: float) -> float:
    """What a + b lost by rounding, exactly (Knuth)."""
    s = a + b
    t = s - a
    return (a - (s - t)) + (b - t)


def product_low(a: float, b: float) -> float:
    """What a * b lost by rounding, exactly (Dekker); both below 2**900 and the product above 2**-900."""
    p = a * b
    t = SPLIT * a
    ah = t - (t - a)
    al = a - ah
    t = SPLIT * b
    bh = t - (t - b)
    bl = b - bh
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl


def exp_of(high: float, low: float) -> float:
    """e ** (high + low) for -746 < high <= EXP_MAX."""
    k = int(math.floor(high * INV_LN2 + 0.5))
    n = float(k)
    a = high - n * LN2_1
    b = n * LN2_2
    r = a - b
    rest = sum_low(a, -b) - n * LN2_3 + low
    q = 1.0 / 6227020800.0
    q = 1.0 / 479001600.0 + r * q
    q = 1.0 / 39916800.0 + r * q
    q = 1.0 / 3628800.0 + r * q
    q = 1.0 / 362880.0 + r * q
    q = 1.0 / 40320.0 + r * q
    q = 1.0 / 5040.0 + r * q
    q = 1.0 / 720.0 + r * q
    q = 1.0 / 120.0 + r * q
    q = 1.0 / 24.0 + r * q
    q = 1.0 / 6.0 + r * q
    q = 0.5 + r * q
    p = r * r * q
    s = r + p
    e = sum_low(r, p) + rest + rest * s
    y = 1.0 + s
    return math.ldexp(y + (sum_low(1.0, s) + e), k)


def exp(x: float) -> float:
    """e to the power x. Raises OverflowError above 709.78.

    Error: at most 0.60 ulp.
    """
    y = x
    if x > EXP_MAX:
        if math.isinf(x):
            y = x
        else:
            raise OverflowError("result too large")
    elif x <= -746.0:
        y = 0.0
    elif x == x:
        y = exp_of(x, 0.0)
    return y


def log_exponent(x: float) -> int:
    """k such that x / 2**k lies in sqrt(1/2) to sqrt(2)."""
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        k = k - 1
    return k


def log_low(x: float, high: float) -> float:
    """What is missing from `high`, the logarithm of x as a float: the two are good to 2**-65 together.

    2 atanh(s) with s = (m - 1) / (m + 1): the series in pairs of floats for its first terms.
    """
    k = log_exponent(x)
    m = math.ldexp(x, -k)
    f = m - 1.0
    d = m + 1.0
    dl = sum_low(m, 1.0)
    s = f / d
    sl = (-product_low(s, d) - ((s * d) - f) - s * dl) / d
    z = s * s
    zl = 0.0
    if z > TINY:
        zl = product_low(s, s) + 2.0 * s * sl
    q = 1.0 / 25.0
    q = 1.0 / 23.0 + z * q
    q = 1.0 / 21.0 + z * q
    q = 1.0 / 19.0 + z * q
    q = 1.0 / 17.0 + z * q
    q = 1.0 / 15.0 + z * q
    q = 1.0 / 13.0 + z * q
    q = 1.0 / 11.0 + z * q
    q = 1.0 / 9.0 + z * q
    h = 0.0
    low = 0.0
    if z > TINY:
        for step in range(3):
            n = 7.0 - 2.0 * float(step)
            c = 1.0 / n
            cl = -(product_low(c, n) + (c * n - 1.0)) / n
            if step == 0:
                h = q
                low = 0.0
            p = z * h
            pl = product_low(z, h) + (z * low + zl * h)
            h = c + p
            low = sum_low(c, p) + pl + cl
        p = z * h
        low = product_low(z, h) + (z * low + zl * h)
        h = p
    # 2 s (1 + h)
    a = 2.0 * s
    t = a * h
    tl = 0.0
    if abs(t) > TINY:
        tl = product_low(a, h)
    tl = tl + a * low + 2.0 * sl * (1.0 + h)
    y = a + t
    yl = sum_low(a, t) + tl
    n = float(k)
    a = n * LN2_1
    s = a + y
    e = sum_low(a, y)
    b = n * LN2_2
    t = s + b
    e = e + sum_low(s, b) + yl + n * LN2_3
    return (t - high) + e


def log(x: float) -> float:
    """Natural logarithm. Raises ValueError where x is zero or below.

    Error: at most 0.54 ulp.
    """
    if x <= 0.0:
        raise ValueError("logarithm of a number that is not positive")
    y = x
    if x == x and not math.isinf(x):
        k = log_exponent(x)
        m = math.ldexp(x, -k)
        f = m - 1.0
        d = m + 1.0
        s = f / d
        low = (f - s * d - product_low(s, d) - s * sum_low(m, 1.0)) / d
        z = s * s
        q = 1.0 / 25.0
        q = 1.0 / 23.0 + z * q
        q = 1.0 / 21.0 + z * q
        q = 1.0 / 19.0 + z * q
        q = 1.0 / 17.0 + z * q
        q = 1.0 / 15.0 + z * q
        q = 1.0 / 13.0 + z * q
        q = 1.0 / 11.0 + z * q
        q = 1.0 / 9.0 + z * q
        q = 1.0 / 7.0 + z * q
        q = 1.0 / 5.0 + z * q
        q = 1.0 / 3.0 + z * q
        n = float(k)
        a = n * LN2_1
        b = 2.0 * s
        y = a + b
        y = y + (sum_low(a, b) + (b * (z * q) + (2.0 * low + n * LN2_2)))
    return y


def sine_of(r: float, low: float) -> float:
    """Sine of r + low, at most pi / 4."""
    z = r * r
    q = 1.0 / 355687428096000.0
    q = -1.0 / 1307674368000.0 + z * q
    q = 1.0 / 6227020800.0 + z * q
    q = -1.0 / 39916800.0 + z * q
    q = 1.0 / 362880.0 + z * q
    q = -1.0 / 5040.0 + z * q
    q = 1.0 / 120.0 + z * q
    q = -1.0 / 6.0 + z * q
    return r + (r * z * q + low * (1.0 - 0.5 * z))


def cosine_of(r: float, low: float) -> float:
    """Cosine of r + low, at most pi / 4."""
    z = r * r
    zl = 0.0
    if z > TINY:
        zl = product_low(r, r)
    q = -1.0 / 6402373705728000.0
    q = 1.0 / 20922789888000.0 + z * q
    q = -1.0 / 87178291200.0 + z * q
    q = 1.0 / 479001600.0 + z * q
    q = -1.0 / 3628800.0 + z * q
    q = 1.0 / 40320.0 + z * q
    q = -1.0 / 720.0 + z * q
    q = 1.0 / 24.0 + z * q
    half = -0.5 * z
    y = 1.0 + half
    return y + (sum_low(1.0, half) + (z * z * q - 0.5 * zl - r * low))


def turned(x: float, quarter: int) -> float:
    """Sine of x + quarter * pi / 2."""
    if math.isinf(x):
        raise ValueError("angle is not finite")
    y = x
    if x == x:
        if x > LIMIT or x < -LIMIT:
            raise ValueError("angle out of range")
        k = int(math.floor(x * INV_PIO2 + 0.5))
        n = float(k)
        a = x - n * PIO2_1
        b = n * PIO2_2
        h = a - b
        e = sum_low(a, -b)
        c = n * PIO2_3
        g = h - c
        e = e + sum_low(h, -c) - n * PIO2_4
        r = g + e
        low = e - (r - g)
        turn = (k + quarter) & 3
        if turn == 0:
            y = sine_of(r, low)
        elif turn == 1:
            y = cosine_of(r, low)
        elif turn == 2:
            y = -sine_of(r, low)
        else:
            y = -cosine_of(r, low)
    return y


def sin(x: float) -> float:
    """Sine of x [rad]. Raises ValueError beyond 2**20 (`data.range`) and for infinities (`data.value`).

    Error: at most 0.72 ulp.
    """
    y = x
    if x != 0.0:  # minus zero stays
        y = turned(x, 0)
    return y


def cos(x: float) -> float:
    """Cosine of x [rad]. Raises ValueError beyond 2**20 (`data.range`) and for infinities (`data.value`).

    Error: at most 0.75 ulp.
    """
    return turned(x, 1)


def pow(x: float, y: float) -> float:
    """x to the power y, for x from 0 up. Raises ValueError below 0 and for 0 to a negative power, OverflowError.

    Error: at most 0.60 ulp.
    """
    if x < 0.0:
        raise ValueError("power of a negative number")
    if x == 0.0 and y < 0.0:
        raise ValueError("zero to a negative power")
    value = 1.0
    if y == 0.0 or x == 1.0:
        value = 1.0
    elif x != x or y != y:
        value = x + y
    elif x == 0.0:
        value = 0.0
    elif math.isinf(y):
        if (x > 1.0) == (y > 0.0):
            value = abs(y)
        else:
            value = 0.0
    elif math.isinf(x):
        if y > 0.0:
            value = x
        else:
            value = 0.0
    else:
        a = log(x)
        if abs(y) > 1.0e22:
            if (a > 0.0) == (y > 0.0):
                raise OverflowError("result too large")
            value = 0.0
        else:
            h = a * y
            if h > 710.0:
                raise OverflowError("result too large")
            if h > -746.0:
                low = log_low(x, a) * y
                if abs(h) > TINY:
                    low = low + product_low(a, y)
                if h + low > EXP_MAX or (h == EXP_MAX and low > 0.0):
                    raise OverflowError("result too large")
                value = exp_of(h, low)
            else:
                value = 0.0
    return value


def arctangent(a: float, b: float, part: int) -> float:
    """Arctangent of a / b for 0 < a <= b, both finite: part 0 the high half, 1 the low one."""
    m, i = math.frexp(a)
    n, j = math.frexp(b)
    d = i - j
    value = 0.0
    if d < -40:
        if part == 0:
            value = math.ldexp(m / n, d)
    else:
        top = math.ldexp(m, d)  # a / b = top / n
        k = min(max(int(math.floor(top / n * 8.0 + 0.5)), 0), 8)
        c = float(k) / 8.0
        # (t - c) / (1 + t c) = (top - c n) / (n + c top), c n and c top have at most 57 bits
        p = c * n
        u = top - p
        ul = sum_low(top, -p) - product_low(c, n)
        p = c * top
        v = n + p
        vl = sum_low(n, p) + product_low(c, top)
        s = (u + ul) / v
        sl = ((u - s * v) - product_low(s, v) + (ul - s * vl)) / v
        z = s * s
        q = -1.0 / 15.0
        q = 1.0 / 13.0 + z * q
        q = -1.0 / 11.0 + z * q
        q = 1.0 / 9.0 + z * q
        q = -1.0 / 7.0 + z * q
        q = 1.0 / 5.0 + z * q
        q = -1.0 / 3.0 + z * q
        high = math.ldexp(float(ATAN_HIGH[k]), -53)
        low = math.ldexp(float(ATAN_LOW[k]), -106)
        y = high + s
        low = sum_low(high, s) + (s * z * q + sl + low)
        value = y + low
        if part == 1:
            value = low - (value - y)
    return value


def atan2(y: float, x: float) -> float:
    """Angle of the point (x, y) [rad], -pi to pi, with the signs of zero as in C.

    Error: at most 0.51 ulp.
    """
    value = x + y
    if x == x and y == y:
        a = abs(y)
        b = abs(x)
        if math.isinf(a) and math.isinf(b):
            a = 1.0
            b = 1.0
        elif math.isinf(a):
            a = 1.0
            b = 0.0
        elif math.isinf(b):
            a = 0.0
            b = 1.0
        h = 0.0
        low = 0.0
        if a > b:
            if b > 0.0:
                h = -arctangent(b, a, 0)
                low = -arctangent(b, a, 1)
            base = 0.5 * PI_HIGH
            s = base + h
            low = sum_low(base, h) + (low + 0.5 * PI_LOW)
            h = s
        elif a > 0.0:
            h = arctangent(a, b, 0)
            low = arctangent(a, b, 1)
        if math.copysign(1.0, x) < 0.0:
            s = PI_HIGH - h
            low = sum_low(PI_HIGH, -h) + (PI_LOW - low)
            h = s
        value = math.copysign(h + low, y)
    return value
