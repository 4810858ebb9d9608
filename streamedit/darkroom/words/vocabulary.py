"""The words between the instructions: those that say how much, those that say no, and those that need no understanding.

Words are as `text.plain` writes them: small letters, American spelling, no hyphens.
"""

import re

LIGHT = (
    r"(?:slight|soft|light|mild|faint)(?:ly)?|subtl[ey]|gent(?:le|ly)|bit|little|tiny|tad|touch|hint|somewhat|barely"
    r"|not (?:too|so|very)"
)
STRONG = (
    r"(?:strong|intense|deep|bold|extreme)(?:ly|er)?|heav(?:y|ily|ier)|dramatic(?:ally)?|much|very|lots?|really|super"
    r"|maximum|max|full|hard"
)
FACTORS = (
    (re.compile(rf"\b(?:{LIGHT})\b"), 0.5),
    (re.compile(rf"\b(?:{STRONG})\b"), 1.6),
    (re.compile(r"\b(?:more|increas(?:e|ed|ing)|raised?|higher|boost(?:ed)?|enhanced?|extra)\b"), 1.25),
)
"""Words of amount, and what they make of the usual amount; the first row that is found counts ("very subtle" is subtle)."""

LESS = re.compile(r"\b(?:less|low|lower(?:ed)?|reduced?|reducing|decreas(?:e|ed|ing)|(?:turn|tone|bring) down)\b")
NOT = re.compile(
    r"\b(?:no|not|without|dont|do not|never|avoid|nor|skip|keep(?:ing)?|preserv(?:e|ing))\b(?! (?:too|so|very|only|just)\b)"
)
COMPLAINT = re.compile(
    r"(?<!not )\btoo $"
    r"|\b(?:is|are|looks?|seems?|was|came out)(?: (?:a bit|a little|very|really|quite|so|rather|somewhat))? $"
)
FAULTS = re.compile(
    r"blurr?y|nois\w+|grainy|haz\w+|foggy|misty|dark\w*|dim|bright\w*|light|flat\w*|pale\w*|dull.*|\w+exposed"
    r"|warm\w*|cool\w*|cold\w*|saturated|muted|soft\w*"
)
"""What a picture is said to be, and what stands before it: "too dark", "is blurry". Then the opposite is wanted."""

PERCENT = re.compile(r"(?<![\w.])([+-]?) ?(\d{1,4}(?:\.\d+)?) ?(?:%|percent\b)")

HARD_BREAK = re.compile(r"[,;:!?()](?!\d)|\.(?!\d)|\b(?:then|but|while|also|plus|afterwards?|finally|next)\b")
SOFT_BREAK = re.compile(r"\b(?:and|or|nor|with)\b")
LINK = re.compile(r" *\b(?:and|or|nor)\b *")
ARTICLES = re.compile(r"(?: |\b(?:the|any|all|its|this|that|of|existing)\b)*")
KEEPING = re.compile(
    r"\b(?:(?:and|but|while|by|please) )*"
    r"(?:(?:keep|preserv|maintain|retain|leav)(?:e|ing|s)?|(?:without|dont|do not|not|never) (?:chang|alter|touch)(?:e|ing))"
    r"\b(?! only| just|(?: \w+){1,4} in color)[^,;.!?()]*?(?=[,;.!?()]|$|\band (?:add|make|turn|give|apply|then)\b)"
)
"""What is to stay as it is stays as it is: nothing need be understood of it."""

SUBJECTS = (
    "person|people|man|men|woman|women|girl|boy|child|kid|baby|model|face|cat|dog|pet|animal|bird|horse"
    "|product|object|item|car|cup|mug"
)
_THE = "(?:the|her|his|my|our|their)"
BACKGROUND = re.compile(
    r"\b(?:(?:in|on|of|to|for|behind) )?(?:only )?(?:the )?(?:background|backdrop|surroundings)(?: only)?\b"
)
BEHIND = re.compile(
    r"\b(?:everything|all) (?:but|except|around|behind|besides|other than) (?:for )?"
    rf"(?:{_THE} )?(?:main )?(?:subject|foreground|{SUBJECTS})\b"
    rf"|\b(?:but|except)(?: for| not)? (?:{_THE} )?(?:main )?(?:subject|foreground|{SUBJECTS})\b"
)
IN_COLOUR = re.compile(
    rf"\b(?:only|just|keep)(?: only| just)? ((?:{_THE} )?(?:subject|foreground|{SUBJECTS})) (?:in|has) color\b"
)
"""Said otherwise: everything else is black and white."""
SUBJECT = re.compile(
    r"\b(?:(?:in|on|of|to|for) )?(?:only )?(?:the )?(?:main )?(?:subject|foreground)(?: only)?\b"
    rf"|\b(?:only|just) (?:on |to )?(?:{_THE} )?(?:{SUBJECTS})\b|\b(?:{SUBJECTS}) only\b"
)
NAMED_SUBJECT = re.compile(rf"\b{_THE} (?:{SUBJECTS})\b")
PICTURE_OF = re.compile(
    rf"\b(?:photo|photograph|picture|image|shot|portrait|scene)s? (?:of|with) (?:(?:{_THE}|an?|this) )?(?:{SUBJECTS})\b"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PASSED = _words(
    """
    yet finally first letters vibe vibes up down off a an the this that these those it its he she him her his they them
    their there here i me my mine we us our you your to in on at of by for from with without into onto over under above
    below around across through as out is are be been being was were am and or nor but so then also while when where which
    who what than too very just only about like some any all both each every either no not dont more less most least much
    many lot lots bit little tad touch hint really quite rather pretty fairly somewhat slightly such same other another own
    few several whole entire entirely complete completely everything everywhere overall again still now please kindly can
    could would should will shall may might must do does did let lets want wants need needs wish try ok okay hello hi hey
    thanks thank
    """
)
"""Words that carry no instruction of their own."""

GENERAL = _words(
    """
    plain fix fixed correct corrected blocks block pattern lines line dots make makes making made turn turns turning turned
    give gives giving given apply applies applied applying add adds added adding put puts putting use uses used using set
    sets setting change changes changed changing convert converts converted transform transforms transformed render rendered
    create creates created edit edits edited editing adjust adjusts adjusted get gets have has having had bring brings show
    shows go goes do does done keep take takes taken shift shifted increase increased increasing decrease decreased raise
    raised lower lowered reduce reduced reducing boost boosted enhance enhanced improve improved style styled treat treated
    fill finish finished want look looks looking feel feels feeling photo photos photograph photographs picture pictures
    image images shot shots snapshot scene frame view portrait portraits selfie landscape canvas version styles effect
    effects filter filters mood moods tone tones color colors scheme palette grade grading graded light lights lighting
    atmosphere ambience touch treatment result output amount level levels area areas region part parts side sides edges edge
    corners corner place masked mask selection selected inside within outside nice nicely beautiful beautifully pretty
    lovely good great better best perfect stunning amazing awesome professional natural naturally realistic elegant stylish
    aesthetic modern classic clean simple proper properly visible overall general smooth smoothly new original actual real
    normal kind sort type bit person people man men woman women girl boy child kid baby model face faces subject subjects
    foreground cat dog pet animal bird horse product products object objects thing things item items car cup mug coffee
    astronaut flower flowers tree trees house houses building buildings street city mountain mountains ground degree degrees
    percent px pixel pixels stop stops times x size width height wide high tall thin thick narrow broad background backdrop
    2nd second 1st first one ones another
    """
)
"""Words that need no understanding where something beside them was understood: verbs of editing, and what is in pictures."""

VERBS = _words("add put place insert draw make turn change replace swap give generate create show")
"""What begins another wish."""
