"""Graphics: what a canvas has on the graphics card, to be put there again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from vispy.gloo.glir import JUST_DELETED, GlirParser

if TYPE_CHECKING:
    from collections.abc import Callable

    # A verb, the number of an object, and values.
    Command: TypeAlias = tuple[Any, ...]

# Commands that say what an object is; all others draw.
LASTING = {
    *("CREATE", "DELETE", "SIZE", "DATA", "WRAPPING", "INTERPOLATION"),
    *("ATTACH", "LINK", "UNIFORM", "ATTRIBUTE", "TEXTURE"),
}
# Of these an object has several, told apart by their first value.
SEVERAL = {"ATTACH", "DATA", "UNIFORM", "ATTRIBUTE", "TEXTURE"}
# Programs and framebuffers use what others hold.
LATE = {"Program": 1, "FrameBuffer": 1}
# Number of the object that a command brings to another; 0 if it is none.
USED: dict[str, Callable[[list[Any]], int]] = {
    "ATTACH": lambda values: values[-1],
    "ATTRIBUTE": lambda values: values[2][0],
    "TEXTURE": lambda values: values[1],
}


class LastingParser(GlirParser):  # type: ignore[misc]
    """Carries out vispy's commands, and can do so again in another context.

    vispy brings each thing to the graphics card once. But Qt gives a canvas another
    context when it comes into another window, as it does with a dock that is dragged,
    and after a fault of the graphics card: there everything is missing.

    Of the commands those are kept that still count. The arrays that come with them
    are not copied; vispy's visuals keep the same.
    """

    def __init__(self) -> None:
        super().__init__()
        # What each object is, by its number: commands, by what they set, in order.
        self._lasting: dict[int, dict[tuple[Any, ...], list[Command]]] = {}

    def free(self) -> None:
        """Delete everything on the graphics card, whose context must be current."""
        for each in self._objects.values():
            if each != JUST_DELETED:
                each.delete()
        self._objects.clear()

    def restore(self, framebuffer: int) -> None:
        """Bring everything to another context, which must be current.

        Parameters
        ----------
        framebuffer : int
            The one that stands for the screen.
        """
        self._objects.clear()
        super()._parse(("CURRENT", 0, framebuffer))
        objects = self._lasting.values()
        for known in sorted(objects, key=lambda known: LATE.get(_kind(known), 0)):
            for commands in known.values():
                for command in commands:
                    if self._possible(command):
                        super()._parse(command)

    def _possible(self, command: Command) -> bool:
        """Tell whether what a command uses was not deleted since."""
        verb, _, *values = command
        used = USED[verb](values) if verb in USED else 0
        return used == 0 or used in self._objects

    def _parse(self, command: Command) -> None:
        super()._parse(command)
        if command[0] in LASTING:
            self._keep(command)

    def _keep(self, command: Command) -> None:
        verb, number, *values = command
        if verb == "DELETE":
            self._lasting.pop(number, None)
            return
        known = self._lasting.setdefault(number, {})
        if verb == "ATTACH" and ("LINK",) in known:
            # The program gets other shaders, and then its variables again.
            for key in [key for key in known if key != ("CREATE",)]:
                del known[key]
        if verb == "SIZE":
            for key in [key for key in known if key[0] == "DATA"]:
                del known[key]
        key = (verb, values[0]) if verb in SEVERAL else (verb,)
        known.pop(key, None)  # what is set last comes last
        known[key] = [command]
        if verb == "ATTACH" and _kind(known) == "Program":
            # vispy deletes shaders once they are linked.
            shader = self._lasting[values[0]]
            source = [each for commands in shader.values() for each in commands]
            known[key] = [*source, command, ("DELETE", values[0])]


def _kind(known: dict[tuple[Any, ...], list[Command]]) -> str:
    """Say what an object is: a buffer, a texture, a program."""
    return str(known["CREATE",][0][2])
