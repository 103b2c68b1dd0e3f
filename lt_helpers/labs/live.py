"""A lab whose state trains: a run that goes on in the background while its controls move.

Such a lab is no pure function of its controls. It declares controls, `panels` and `words`, and instead of `compute`

    begin(values)           -> a process, with `step()`, `steps`, `state()` and `goal`, a few characters
    follow(process, values) -> the process to go on with when a control has moved: the same one, changed, or a new one

One asyncio task takes the steps, TRAIN seconds at a time, and in between leaves the turn to sliders and other cells. It draws FRAMES
times a second at most, and only once the browser has drawn the last figure and has had time for other things, so that drawings never
queue up. It ends by itself PATIENCE seconds after the last touch, for a closed tab must not train for ever; the next touch resumes it.
"""

import asyncio
from time import perf_counter

import ipywidgets

from ..language import Message, RefusedAction, RefusedType
from .base import FITTING, ROW, Lab, in_turn

TRAIN, REST = 0.01, 0.001  # seconds of training, and of serving others, in turn
FRAMES = 25  # drawings a second, at most
PATIENCE = 600.0  # seconds of training after the last touch of a control or a button
OPEN = {}  # the lab of each class that is on the page: a second run of its cell closes the first


class LiveLab(Lab):
    """Start, pause, step, reset; `run(steps)` trains on the spot, where nobody waits for a browser.

    Attributes
    ----------
    process : what is trained.
    rate : steps a second, between the last two drawings in the background.
    """

    def __init__(self, **values):
        self.process = self._task = None
        self._anew, self._closed, self._idle = True, False, False
        self.rate, self._touched = 0.0, perf_counter()
        super().__init__(**values)

    @property
    def running(self):
        """Is it training now? It is not once the loop has ended on which it did: that of a page that was closed."""
        return self._task is not None and not self._task.done() and self._task.get_loop().is_running()

    @in_turn
    def run(self, steps):
        """Take so many steps now, and draw once."""
        self._touched = perf_counter()
        for _ in range(steps):
            self.process.step()
        self._draw(
            acknowledge=self.running
        )  # else the answer to a drawing that is under way would come to nothing

    def at(self, **values):
        raise RefusedType(Message("live.no_at", lab=type(self).__name__), self.language)

    def start(self):
        """Train in the background, until paused."""
        if self.running or self._closed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RefusedAction(Message("live.no_loop"), self.language) from None
        self._take_over()  # before its own turn: two labs that each wait for the other would wait for ever
        with self._turn:
            self._frame, self._due, self._idle = None, 0.0, False
            self._counted, self._since = 0, perf_counter()
            self._touched, self._loop, self.error = self._since, loop, None
            self._task = loop.create_task(self._train())
            self._task.add_done_callback(self._ended)
            self._tell()

    @in_turn
    def pause(self):
        """Stop where it is."""
        self._idle = False
        if self.running:
            self._task = None
            self._tell()  # before the page is busy with a drawing
            self._draw()
        self._tell()

    @in_turn
    def close(self):
        """Stop for good: another lab of this kind was opened."""
        self.pause()
        self._closed = True
        self._lock()

    def _lock(self):
        """No button works in a lab that has stopped for good, and the page says why."""
        for button in self._buttons:
            button.disabled = self._closed
        if self._closed:
            self.chart.fail(self.names.say(Message("live.closed")))

    def _take_over(self):
        """Be the one lab of this kind: another one stops."""
        before, OPEN[type(self)] = OPEN.get(type(self)), self
        if before not in (None, self):
            before.close()

    def _repr_mimebundle_(self, **kwargs):
        self._take_over()
        with self._turn:
            if self._closed:  # it is shown again, and here it is
                self._closed = False
                self._lock()
                self._draw()
        return super()._repr_mimebundle_(**kwargs)

    @in_turn
    def reset(self):
        self.pause()
        self._anew = True
        super().reset()

    async def _train(self):
        """Steps in slices, with a rest after each for whatever else the kernel has to do, until this is no longer the lab's task."""
        while self._slice(asyncio.current_task()):
            await asyncio.sleep(REST)

    @in_turn
    def _slice(self, task):
        """A few steps of a task, and a drawing if it is time for one -> whether there is more to do."""
        if task is not self._task:
            return False
        begin = perf_counter()
        while perf_counter() - begin < TRAIN:
            try:
                self.process.step()
            except KeyboardInterrupt:
                continue  # it is meant for a cell; let through, it would end the kernel's loop. Pause ends training.
            self._counted += 1
        now = perf_counter()
        if now >= self._due and (self._frame is None or self._frame.done()):
            self.rate, self._counted, self._since = self._counted / (now - self._since), 0, now
            self._draw(acknowledge=True)
            self._frame = asyncio.ensure_future(self._seen(now))
        self._idle = now - self._touched > PATIENCE
        return not self._idle

    async def _seen(self, begin):
        """Wait for the browser; leave it a quarter of that time for other things before the next drawing."""
        self._due = begin + 1 / FRAMES
        await self.chart.drawn()
        now = perf_counter()
        self._due = max(self._due, now + (now - begin) / 4)

    @in_turn
    def _ended(self, task):
        """The task is over: paused, left alone for too long, or by an error, which the lab shows."""
        if task.cancelled() or task is not self._task:
            return
        if task.exception() is not None:
            self._fail(task.exception())
        else:
            self._draw()

    def _compute(self, values):
        self._steer(values)
        self._look()

    def _steer(self, values):
        """Let the process follow the controls, or begin anew."""
        self.process = self.begin(values) if self._anew else self.follow(self.process, values)
        self._anew = False
        self._steered = values

    def _look(self):
        self._draw_state(self.process.state(), self._steered)

    def _draw(self, acknowledge=False):
        self._look()
        self.chart.show(self.drawing, self.words_now, acknowledge)
        if self._closed:
            self._lock()
        self._tell()
        self._tell_story()

    def _begin_story(self):
        """Training begins where it is opened."""

    def _show_again(self):
        """The same once more, where something was asked for that is no control: which is a touch as well."""
        self._touched = perf_counter()
        self._draw(acknowledge=self.running)
        self._set_stage()
        if self.error is not None:
            self._fail(self.error)
        if self._idle:
            self._resume()

    def _answer(self, values):
        """A control has moved: while it trains, the next drawing shows it."""
        self._touched = perf_counter()
        if self.running:
            self._steer(values)
        else:
            self._compute(values)
            self.chart.show(self.drawing, self.words_now)
        self._lock()
        self._tell()
        self._tell_story()
        if self._idle:
            self._resume()

    def _resume(self):
        """Train on, on the loop on which it trained: the touch may have come on another thread."""
        self._idle = False
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._pressed(self.start), None)
        else:
            self._tell()

    def _interrupted(self):
        """An interrupt in the middle of a move: while it trains, it was meant for a cell, and the controls are read once more."""
        if self.running:
            self._set(None, self.ghost)
        else:
            super()._interrupted()

    @in_turn
    def _fail(self, error):
        self._task = None
        super()._fail(error)
        self._tell()

    def _tell(self):
        """How it goes on, in words, and the label of the start button."""
        if self.running:
            pace = Message("live.pace", rate=self.rate)
        elif self._idle:
            pace = Message("live.idle", minutes=PATIENCE / 60)
        else:
            pace = Message("live.paused")
        told = Message("live.told", steps=self.process.steps, pace=pace, goal=self.process.goal)
        self._told.value = self.names.say(told)
        self._toggle.description = self.names.find("button", "pause" if self.running else "start")

    def _toggled(self):
        return self.pause() if self.running else self.start()

    def _pressed(self, action):
        """A button's action, whose errors show in the lab."""

        def press(_):
            self._touched = perf_counter()
            try:
                action()
            except Exception as error:
                self._fail(error)

        return press

    def _control_panel(self):
        self._toggle = self._button("start", self._pressed(self._toggled))
        step = self._button("step", self._pressed(lambda: self.run(1)))
        self._buttons = [self._toggle, step, *self._more_buttons()]
        self._told = ipywidgets.HTML(tooltip="", layout=FITTING)
        self._run_row = ipywidgets.HBox([*self._buttons, self._told], layout=ROW)
        self._tell()
        return super()._control_panel()

    def _always(self):
        return [self._run_row]

    def _more_buttons(self):
        return []
