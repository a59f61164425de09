"""Types into a program on a terminal of its own and prints what it showed.

Arguments: JSON list of [text to wait for, text to type]; then the command line. The last line is `exit CODE`.
"""
import json, os, pty, select, signal, sys, time

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
DEADLINE = 20.0
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, position = "", 0


def read_until(text):
    """Reads on until the text shows up behind what was waited for before; None: until the program ends."""
    global seen, position
    deadline = time.time() + DEADLINE
    while text is None or text not in seen[position:]:
        if time.time() > deadline:
            os.kill(pid, signal.SIGKILL)
            print(seen + f"\n[nothing with {text!r} came]")
            sys.exit(1)
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            part = os.read(fd, 4096)
        except OSError:
            return
        if not part:
            return
        seen += part.decode(errors="replace")
    position = seen.index(text, position) + len(text)


for text, typed in steps:
    read_until(text)
    os.write(fd, typed.encode())
read_until(None)
print(seen.replace("\r", ""))
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
