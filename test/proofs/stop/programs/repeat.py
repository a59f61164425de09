# Calls until a call fails, says how, waits for a line on standard input, and calls once more.
import sys

MOST_CALLS = 40


def say(text):
    print(" ".join(str(text).split("\n")), flush=True)


def repeat(call):
    for _ in range(MOST_CALLS):
        try:
            say(f"answered {len(call())}")
        except Exception as error:  # noqa: BLE001: whatever the library makes of it
            say(f"refused {error}")
            break
    sys.stdin.readline()
    try:
        call()
        say("again answered")
    except Exception as error:  # noqa: BLE001
        say(f"again refused {error}")
