"""What figures and sayings in a question mean: texts in which a phrase that has a meaning takes their place."""

from __future__ import annotations

import math
import re

# Any answer for all inputs, whatever the field calls its classes.
ONE_FOR_ALL = re.compile(
    r"\b(?:predict|answer|output|say|guess|classif|label|return|call)\w*\b[^,;.?!]{1,30}?\b(?:for|to|on|as)\s+"
    r"(?:every|everything|all|each|any|100\s*%|99\s*%)(?!\s+(?:epoch|step|batch|time|rank|gpu|run))"
    r"|(?:全部|全都|全|都|一律|通通|统统)(?:给我)?(?:被)?(?:判|预测|识别|分类|分|认|归)(?:成|为|到|作|做)"
)
CLASSES = re.compile(
    r"(?<![\d.])(\d+|[二两三四五六七八十百])\s*-?(?:(?:way\s+|different\s+)?class|categor|个?类|个?分类)"
)
NUMBERS = {"二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "十": 10, "百": 100}
EARLY = re.compile(r"\b(?:start|initial|first|beginning)|初始|开始|第一|一上来")  # where guessing is no trouble
FIGURE = re.compile(r"(?<![\d.e-])\d\.\d+(?![\d%e])")
# Losses of guessing that people quote: ln of the number of classes, or of words in a vocabulary.
QUOTED = re.compile(
    r"(?<![\d.e-])(?:0\.69(?:3\d*)?|1\.09(?:8\d*|9)?|1\.38(?:6\d*)?|1\.6(?:09\d*|1)|2\.30?(?:[23]\d*)?|4\.6(?:05\d*|1)?"
    r"|6\.9(?:0[78]\d*|1)?|10\.3[3-8]\d*|10\.8(?:2\d*)?|11\.7[56]\d*|11\.9[23]\d*)(?![\d.%e]|\s*(?:%|s\b|ms|gb|gib|it/s|h\b|min|k\b|b\b|倍|秒|小时))"
)
OTHER_FIGURE = re.compile(
    r"\b(?:acc\w*|auc|f1|map\w*|dice|iou|r2|torch|pytorch|cuda|python|version|lr|rate|bleu|psnr|beta)\b|准确率|精度|版本|学习率"
)
NEAR_CHANCE = 0.02  # how far a loss is from that of guessing, relative to it
TENS = re.compile(r"只有[二三四五六七]十[多几来]?|只有[二三四五六七]成")
# How long an early epoch or step takes and how long a later one.
TIME = r"\d+(?:\.\d+)?\s*(?:ms|s|secs?|seconds?|mins?|minutes?|hours?|h)\b"
TIME_ZH = r"[\d一二两三四五六七八九十半几.]+个?多?(?:小时|钟头|分钟|秒)"
LONGER = re.compile(
    rf"\b(?:first|1st|initially)\b.{{0,25}}?{TIME}.{{1,40}}?{TIME}|第[一1].{{0,10}}?{TIME_ZH}.{{1,20}}?{TIME_ZH}"
)
ENDLESS = re.compile(r"(\d{15})\d+")  # Python reads no number of more than 4,300 digits
DRAWLED = re.compile(r"([a-z])\1{2,}")
TRADITIONAL = str.maketrans(
    "訓練驗證損準確學習數據網絡優過擬顯記憶體為麼嗎這個樣還沒會將從開關實際顆兩張變動長時間輸類別標簽籤圖"
    "層參權餘裝設選擇應該問題錯誤號報處環節減縮裡裏單雙機進業內載難結論斷續讀寫壓測試檢點腦溫趨勢終於現發"
    "產係統們對強歸無窮負極讓給隨預調輪萬億幾達較遠滿凍復種邏輯響獎勵與廢義異離維總擾塊斂漲飛況夠齊幹嘗詞"
    "語計簡評線編碼誰說話請謝後爛壞佔穩掛導啟閉畫",
    "训练验证损准确学习数据网络优过拟显记忆体为么吗这个样还没会将从开关实际颗两张变动长时间输类别标签签图"
    "层参权余装设选择应该问题错误号报处环节减缩里里单双机进业内载难结论断续读写压测试检点脑温趋势终于现发"
    "产系统们对强归无穷负极让给随预调轮万亿几达较远满冻复种逻辑响奖励与废义异离维总扰块敛涨飞况够齐干尝词"
    "语计简评线编码谁说话请谢后烂坏占稳挂导启闭画",
)


def plain(text: str) -> str:
    """Return a text in lower case and in simplified characters, without drawled letters and digits."""
    return ENDLESS.sub(r"\1", DRAWLED.sub(r"\1", text.lower().translate(TRADITIONAL)))


def spelled_out(text: str) -> str:
    """Return a text with words for what its figures mean."""
    if not OTHER_FIGURE.search(text):
        text = QUOTED.sub(" chance ", text)
    text = LONGER.sub(" slower over time ", ONE_FOR_ALL.sub(" only one class ", TENS.sub("不高", text)))
    found = None if EARLY.search(text) else CLASSES.search(text)
    classes = NUMBERS.get(found[1]) or int(found[1]) if found else 0
    if classes < 2:  # noqa: PLR2004 - who has fewer does not guess
        return text
    guessed = math.log(classes)
    return FIGURE.sub(lambda at: "chance" if abs(float(at[0]) - guessed) < NEAR_CHANCE * guessed else at[0], text)
