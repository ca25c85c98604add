"""Stack traces out of log lines, as the languages really print them, and lines that mean harm."""

import json
import time

import pytest

from cases.logs import Frame, Trace
from detectors.stacks import MOST_FRAMES
from detectors.traces import said, trace_of

PYTHON = """\
Traceback (most recent call last):
  File "/app/shop/app.py", line 65, in handle
    reply = self._page(method, url.path, url.query, body)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/shop/pricing.py", line 31, in discounted
    return price * RATES[coupon]
                   ~~~~~^^^^^^^^
KeyError: 'SPRING'
"""
CHAINED = """\
ERROR:shop:boom
Traceback (most recent call last):
  File "/app/shop/stock.py", line 9, in take
    left = int(row)
ValueError: invalid literal for int() with base 10: ''

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop/checkout.py", line 40, in place
    self.stock.take(line)
  File "/app/shop/stock.py", line 12, in take
    raise StockBusy(row) from None
shop.stock.StockBusy: row 7
is locked
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/main.py", line 3, in <module>
  |     raise ExceptionGroup("two", errors)
  | ExceptionGroup: two (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/work.py", line 8, in load
    |     open(path)
    | FileNotFoundError: [Errno 2] No such file or directory: 'x'
    +------------------------------------
"""
SYNTAX = """\
Traceback (most recent call last):
  File "/app/run.py", line 1, in <module>
    import shop.rules
  File "/app/shop/rules.py", line 5
    def f(:
          ^
SyntaxError: invalid syntax
"""
JAVA = """\
2026-03-01 12:00:00.123 ERROR 1 --- [nio-8080-exec-1] c.a.s.ShopController : checkout failed
java.lang.RuntimeException: order 17 failed
\tat com.acme.shop.ShopController.checkout(ShopController.java:88)
\tat java.base/java.lang.Thread.run(Thread.java:833)
\tSuppressed: java.io.IOException: close
\t\tat com.acme.shop.Pool.close(Pool.java:7)
Caused by: java.lang.NullPointerException: Cannot invoke "Rate.of()" because "rate" is null
\tat com.acme.shop.Pricing.discount(Pricing.java:31)
\tat com.acme.shop.Pricing$Inner.total(Pricing.java:17)
\tat jdk.internal.reflect.GeneratedMethodAccessor1.invoke(Unknown Source)
\t... 34 more
"""
KOTLIN = """\
Exception in thread "main" java.lang.IllegalStateException: no rate
\tat com.acme.shop.PricingKt.discount(Pricing.kt:12)
\tat com.acme.shop.MainKt.main(Main.kt)
"""
NODE = """\
TypeError: Cannot read properties of undefined (reading 'rate')
    at discounted (/app/src/pricing.js:31:22)
    at async Checkout.place (/app/src/checkout.js:40:5)
    at /app/src/server.js:12:3
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
"""
NODE_CAUSE = """\
Error: checkout failed
    at place (/app/src/checkout.js:40:5) {
  [cause]: RangeError [ERR_OUT_OF_RANGE]: The value is out of range
      at discounted (file:///app/src/pricing.mjs:31:22)
}
"""
GO = """\
panic: runtime error: index out of range [5] with length 3 [recovered]

goroutine 34 [running]:
panic({0x5f4d00?, 0xc0000180a8?})
\t/usr/local/go/src/runtime/panic.go:884 +0x213
github.com/acme/shop/pricing.Discount(...)
\t/app/pricing/pricing.go:31
github.com/acme/shop/checkout.(*Checkout).Place(0xc000010000, {0x1, 0x2})
\t/app/checkout/checkout.go:40 +0x1d
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3086 +0x5cb

goroutine 1 [IO wait]:
internal/poll.runtime_pollWait(0x7f, 0x72)
\t/usr/local/go/src/runtime/netpoll.go:343 +0x85
"""
RUBY = """\
/app/lib/pricing.rb:31:in `fetch': key not found: "SPRING" (KeyError)
\tfrom /app/lib/pricing.rb:31:in `discounted'
\tfrom /app/lib/checkout.rb:40:in `block in place'
"""
RAILS = """\
NoMethodError (undefined method `rate' for nil):

app/models/pricing.rb:31:in 'Pricing#discounted'
app/controllers/checkout_controller.rb:12:in 'CheckoutController#create'
"""
DOTNET = """\
System.InvalidOperationException: checkout failed
 ---> System.Collections.Generic.KeyNotFoundException: The given key 'SPRING' was not present.
   at Acme.Shop.Pricing.Discounted(Decimal price, String coupon) in /src/Pricing.cs:line 31
   at Acme.Shop.Cart.Total() in C:\\src\\Cart.cs:line 9
   --- End of inner exception stack trace ---
   at Acme.Shop.Checkout.Place(Order order) in /src/Checkout.cs:line 40
"""


@pytest.mark.parametrize(
    ("text", "language", "exception", "message", "calls", "inner"),
    [
        (PYTHON, "python", "KeyError", "'SPRING'", 2, ("/app/shop/pricing.py", 31, "discounted")),
        (CHAINED, "python", "shop.stock.StockBusy", "row 7", 2, ("/app/shop/stock.py", 12, "take")),
        (
            GROUP,
            "python",
            "FileNotFoundError",
            "[Errno 2] No such file or directory: 'x'",
            1,
            ("/app/work.py", 8, "load"),
        ),
        (SYNTAX, "python", "SyntaxError", "invalid syntax", 2, ("/app/shop/rules.py", 5, "")),
        (
            JAVA,
            "java",
            "java.lang.NullPointerException",
            'Cannot invoke "Rate.of()" because "rate" is null',
            3,
            ("com/acme/shop/Pricing.java", 31, "com.acme.shop.Pricing.discount"),
        ),
        (
            KOTLIN,
            "kotlin",
            "java.lang.IllegalStateException",
            "no rate",
            2,
            ("com/acme/shop/Pricing.kt", 12, "com.acme.shop.PricingKt.discount"),
        ),
        (
            NODE,
            "javascript",
            "TypeError",
            "Cannot read properties of undefined (reading 'rate')",
            4,
            ("/app/src/pricing.js", 31, "discounted"),
        ),
        (
            NODE_CAUSE,
            "javascript",
            "RangeError",
            "[ERR_OUT_OF_RANGE]: The value is out of range",
            1,
            ("file:///app/src/pricing.mjs", 31, "discounted"),
        ),
        (
            GO,
            "go",
            "panic",
            "runtime error: index out of range [5] with length 3 [recovered]",
            2,
            ("/app/pricing/pricing.go", 31, "github.com/acme/shop/pricing.Discount"),
        ),
        (RUBY, "ruby", "KeyError", 'key not found: "SPRING"', 3, ("/app/lib/pricing.rb", 31, "fetch")),
        (
            RAILS,
            "ruby",
            "NoMethodError",
            "undefined method `rate' for nil",
            2,
            ("app/models/pricing.rb", 31, "Pricing#discounted"),
        ),
        (
            DOTNET,
            "dotnet",
            "System.Collections.Generic.KeyNotFoundException",
            "The given key 'SPRING' was not present.",
            2,
            ("/src/Pricing.cs", 31, "Acme.Shop.Pricing.Discounted"),
        ),
    ],
)
def test_a_trace_is_read_as_it_is_printed(
    text: str, language: str, exception: str, message: str, calls: int, inner: tuple[str, int, str]
) -> None:
    trace = trace_of(text)
    assert trace is not None
    assert (language, exception, message, calls) == (
        trace.language,
        trace.exception,
        trace.message,
        len(trace.frames),
    )
    assert Frame(file=inner[0], line=inner[1], function=inner[2]) == trace.frames[-1]


@pytest.mark.parametrize(
    "line",
    [
        {"level": "error", "message": "checkout failed", "exc_info": PYTHON},
        {"severity": "error", "error": "KeyError: 'SPRING'", "stack": PYTHON},
        {"msg": "x", "error": {"type": "KeyError", "stack_trace": PYTHON}},
        {"msg": "x", "error.stack": PYTHON},
        {"msg": "x", "exception": {"type": "KeyError", "message": "'SPRING'", "stacktrace": PYTHON.split("\n")}},
        {"log": "ERROR boom\n" + PYTHON, "stream": "stderr"},
        {"error": "KeyError: 'SPRING'", "stack": PYTHON.rsplit("KeyError", 1)[0]},  # its last line was cut off
        {"a": {"b": {"exception": {"stacktrace": PYTHON}}}},
    ],
)
def test_structured_lines_carry_traces_in_fields(line: dict[str, object]) -> None:
    trace = trace_of(json.dumps(line))
    assert trace is not None
    assert (trace.exception, trace.message) == ("KeyError", "'SPRING'")
    assert trace.frames[-1].function == "discounted"


def test_logfmt_lines_carry_traces_escaped() -> None:
    escaped = PYTHON.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    found = said(f'time=2026-03-01T12:00:00Z level=error msg="checkout failed" stack="{escaped}" dur=3ms')
    assert found.text == "checkout failed"
    assert found.trace == trace_of(PYTHON)


def test_a_margin_before_every_line_is_no_part_of_it() -> None:
    assert trace_of("\n".join(f"web-1  | {line}" for line in PYTHON.splitlines())) == trace_of(PYTHON)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "level=error msg=away",
        "Look at the File for more",
        "{",
        '{"error": 3}',
        "[1, 2]",
        "at home at last",
        "a.rb:",
    ],
)
def test_what_has_no_trace_has_none(line: str) -> None:
    assert trace_of(line) is None


def test_what_a_structured_line_says_is_its_error_and_its_message() -> None:
    line = json.dumps(
        {"timestamp": "2026", "severity": "error", "message": "POST /checkout 503", "error": "StockBusy: 7"}
    )
    assert said(line).text == "StockBusy: 7 | POST /checkout 503"


def test_control_characters_are_dropped_and_everything_is_capped() -> None:
    text = PYTHON.replace("'SPRING'", "\x1b[31m\x00\u202e" + "x" * 5_000).replace("discounted", "f\x07" + "g" * 800)
    trace = trace_of(text)
    assert trace is not None
    assert trace.message.isprintable()
    assert len(trace.message) <= 301
    assert all(len(frame.function) <= 301 and frame.function.isprintable() for frame in trace.frames)


def test_of_ten_thousand_frames_the_innermost_are_kept() -> None:
    frames = "".join(f'  File "/app/deep.py", line {i}, in f{i}\n    f()\n' for i in range(10_000))
    trace = trace_of(f"Traceback (most recent call last):\n{frames}RecursionError: too deep\n")
    assert trace is not None
    assert len(trace.frames) == MOST_FRAMES
    assert (trace.frames[-1].line, trace.exception) == (9_999, "RecursionError")


LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * LONG,
        "a." * (LONG // 2),
        "\n" * LONG,
        "at " * (LONG // 3),
        "\tat a.b(" * (LONG // 8),
        "\n at a.b(c.java:1)" * (LONG // 18),
        'File "' * (LONG // 6),
        '\n  File "x", line 1, in f' * (LONG // 25),
        'level=error a="' + 'b="\\"' * (LONG // 5),
        "level=error " + "a-" * (LONG // 2) + "=",
        "{" * LONG,
        '{"error": "' + "x" * LONG + '"}',
        '{"stack": "' + "java.lang.X: " * (LONG // 13) + " at a(b:1)" + '"}',
        "goroutine 1 [running]:\n" + "\t/a.go:1 +0x1\n" * (LONG // 14),
        ".rb:1:in `" * (LONG // 10),
        "x.rb:1:in 'f': " + "(" * LONG,
        "\x00\u202e" * (LONG // 2),
        "Error: " * (LONG // 7) + "\n    at f (/a.js:1:2)",
        "goroutine " + "\t" * LONG + ".go:1",
    ],
    ids=range(19),
)
def test_hostile_lines_take_little_time(text: str) -> None:
    began = time.process_time()
    found = said(text)
    assert time.process_time() - began < 0.5
    assert len(found.text) <= 501


def test_a_trace_is_a_value() -> None:
    assert Trace(exception="KeyError", message="", frames=(), language="python").frames == ()
