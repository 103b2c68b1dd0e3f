"""A learner who does what a beat asks for."""


def pass_beat(lab, name, guess, **moves):
    """Go to a beat, predict, lock, and move the controls as it asks -> the answer, and what is told"""
    lab.go_to(name)
    beat = next(beat for beat in lab.BEATS if beat.name == name)
    lab.controls[beat.ask].value = lab.CONTROLS[beat.ask].write(guess)
    lab.lock()
    assert lab.story().phase == "do"
    for control, value in moves.items():
        assert control in (beat.control, *beat.others)  # it is on the page
        lab.controls[control].value = lab.CONTROLS[control].write(value)
    assert lab.error is None and lab.story().phase == "told"
    return lab.answers[beat.ask].answer, lab.names.say(lab.story().found)


def done(lab, beat):
    """What a beat tells once the learner has done what it asks for -> the answer, None where nothing is predicted, and the values of
    what is told"""
    lab.go_to(beat.name)
    for name, value in beat.at.items():
        lab.controls[name].value = lab.CONTROLS[name].write(value)
    (told,) = lab.story().found
    answer = lab.answers[beat.ask].answer if beat.ask else None
    return answer, told.values
