"""What a question says is not the trouble: what works, what is denied, and what was tried already."""

from __future__ import annotations

import re

# Who says that something works only says where the trouble is not.
FINE = re.compile(
    r"\b(?:\w+(?:\s+(?:alone|only|itself))?)\s+(?:is|are|was|works?|runs?|trains?|seems?)\s+(?:all\s+|totally\s+|perfectly\s+|just\s+)?(?:fine|ok|okay|stable|good)\b(?!\s*\?)"
    r"|[\w]+?(?:倒是|倒|却|就|反而|都)?(?:没事|没问题|没毛病|一切正常|就好了)(?![吗么?？])"
)
# A trouble that is denied is only named to say that it is not the one; who asks why it is absent does not deny it.
DENYING = r"(?:(?:is|are|was|were|its)\s+not|isnt|arent|wasnt|werent|^not|^no|(?:there\s+is|theres|have|has|with)\s+no)"
TROUBLE = r"(?:overfit\w*|underfit\w*|slow\b|nans?\b|inf\b|oom\b|noisy\b|exploding|diverging|negative\b)"
DENIED = re.compile(
    rf"(?<!why )(?<!how )\b{DENYING}\s+(?:(?:really|even|an?|any|the|too|that|about)\s+)?{TROUBLE}"
    r"|(?:没有?|不是)(?:因为|出现|发生|出)?(?:过拟合|欠拟合|nan|inf|oom|爆显存|发散|梯度爆炸|梯度消失)"
    r"|(?:训练|速度|跑得|跑起来)(?:并|也|倒是|倒)?不慢"
    r"|\b(?:instead\s+of|rather\s+than)\s+(?:going\s+)?[a-z]+|而不是[^,，。?？ ]{1,4}"
)
# What a trouble may be laid to: whoever says that it is not this, or has tried it, asks about something else.
CAUSE = r"(?:learning\s+rate|lr|batch\s?size|bs|data(?:set)?|labels?|optimi[sz]er|(?:weight\s+)?init\w*|scheduler)s?"
CAUSE_ZH = r"(?:学习率|lr|批大小|batch\s?size|数据集?|标签|优化器|初始化|显存|网速)"
BLAMED = r"(?:problem|issue|cause|reason|culprit|fault)"
# A change after which something happened is what the question is about.
FOLLOWED = (
    r"(?!\s*,?\s*(?:(?:and|then|now|after|since)\s+)+(?:then|now|it|the|my|loss|accuracy|acc|training|everything)\b)"
)
FOLLOWED_ZH = r"(?!之?后|以后|就|现在|然后)"
NUMBER = r"\d[\d.]*(?:e-?\d+)?"
NOT_THIS = re.compile(
    rf"\b(?:(?:it|this|that|problem|issue|cause|reason)\s+is|its|thats|definitely|surely|probably)\s+not\s+"
    rf"(?:(?:because|due|caused)\s+(?:of|to|by)\s+)?(?:the|my|a|an)?\s*{CAUSE}(?:\s+{BLAMED})?"
    rf"|\b{CAUSE}\s+(?:is\s+not|isnt|are\s+not|arent)\s+(?:the|a|my)\s+{BLAMED}"
    rf"|(?:并|肯定|应该|绝对)?不是(?:因为)?{CAUSE_ZH}(?:的?(?:问题|原因|锅|事)|引起的?|导致的?)|(?:跟|和|与){CAUSE_ZH}(?:无关|没关系)"
)
TRIED = re.compile(
    rf"\b(?:(?:i|we|ive|weve)\s+)?(?:have\s+|already\s+)*(?:tried|changed|lowered|raised|swapped|checked)\s+"
    rf"(?:(?:different|various|several|many|other|all|changing|lowering|raising|the|my)\s+)*{CAUSE}(?!\w){FOLLOWED}"
    rf"|\btried\s+{NUMBER}(?:\s*(?:to|and|or|,)\s*{NUMBER})*|试(?:了|过){NUMBER}(?:\s*[到至和、,]\s*{NUMBER})*"
    rf"|{CAUSE_ZH}(?:已经|也|都|我)*(?:调|改|换|试|降|查)(?:了|过)(?:好?几[个遍次]|很多[个遍次]?|[个遍次])?(?:了)?{FOLLOWED_ZH}"
    rf"|(?:已经|也|都)?(?:调|改|换|试|检查)(?:了|过)(?:好?几个|很多|各种|不同的?)?{CAUSE_ZH}{FOLLOWED_ZH}"
)


def without_denied(text: str) -> str:
    """Return a text in lower case without the troubles and causes that it denies, and without what was tried."""
    return TRIED.sub(" , ", NOT_THIS.sub(" , ", DENIED.sub(" , ", text)))


def without_fine(text: str) -> str:
    """Return a text without what it says works."""
    return FINE.sub(" , ", text)
