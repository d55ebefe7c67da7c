"""Every text of the interface that is not a rule's, in English and Chinese, and the choice between them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError
from trainadvisor.i18n.gate_texts import GATE
from trainadvisor.i18n.verify_texts import VERIFY

if TYPE_CHECKING:
    from collections.abc import Mapping

# key: (English, Chinese); a test compares the placeholders of each pair
TEXTS: dict[str, tuple[str, str]] = (
    {
        # states, severities, confidence
        "state.broken": ("BROKEN", "异常"),
        "state.needs-attention": ("NEEDS ATTENTION", "需要关注"),
        "state.healthy": ("HEALTHY", "正常"),
        "state.cannot-tell": ("CAN'T TELL", "无法判断"),
        "confidence": ("confidence: {word}", "置信度：{word}"),
        "confidence.certain": ("certain", "确定"),
        "confidence.likely": ("likely", "很可能"),
        "confidence.possible": ("possible", "可能"),
        "severity.error": ("error", "错误"),
        "severity.warning": ("warning", "警告"),
        "severity.note": ("note", "提示"),
        # punctuation between words of the interface
        "colon": (": ", "："),
        "comma": (", ", "、"),
        "clause": (", ", "，"),
        "end": (".", "。"),
        "aside": (" ({text})", "（{text}）"),
        # rows of a finding
        "where": ("where", "位置"),
        "subjects": ("affects", "涉及"),
        "evidence": ("evidence", "证据"),
        "cause": ("cause", "原因"),
        "ruled-out": ("ruled out", "已排除"),
        "fix": ("fix", "修改"),
        "or": ("or", "或者"),
        "verify": ("verify", "验证"),
        "rival": ("or else", "另一可能"),
        "open": ("not judged", "未判断"),
        "also-from": ("or from", "也可能源于"),
        "more": ("more", "详细说明"),
        "verified": ("verified: {text}", "已验证：{text}"),
        "applies.paste": ("paste as is", "可直接粘贴"),
        "applies.adapt": ("adapt", "按需调整"),
        "applies.try": ("try", "可尝试"),
        "applies.redesign": ("redesign", "需改结构"),
        "more-subjects": ("{shown} and {count} more", "{shown} 等另外 {count} 个"),
        "from-step": ("from step {step}", "自第 {step} 步起"),
        "step": ("step {step}", "第 {step} 步"),
        # paragraphs around the findings
        "explained": ("explained by the above, no action of their own:", "由上述原因引起、无需单独处理："),
        "also": ("also seen, one line each (-v shows all):", "其他发现，各一行（-v 查看全部）："),
        "gain": ("possible gain (optional)", "可选的改进"),
        "notes": ("worth knowing", "供参考"),
        "clear": ("checked and fine ({count})", "正常 {count} 项"),
        "unknown": ("not checked ({count})", "未检查 {count} 项"),
        "needs.text": ("needs {text}", "需要记录{text}"),
        "lists": ("-v lists them", "-v 列出全部"),
        "and-more": ("... and {count} more (-v lists them)", "…… 另有 {count} 项（-v 列出全部）"),
        "other-reasons": ("{count} for other reasons (-v lists them)", "另有 {count} 项因其他原因（-v 列出全部）"),
        "remark": ("remark: {text}", "说明：{text}"),
        # the last line
        "errors": ("{count} errors", "{count} 个错误"),
        "errors.one": ("1 error", "1 个错误"),
        "warnings": ("{count} warnings", "{count} 个警告"),
        "warnings.one": ("1 warning", "1 个警告"),
        "notes.count": ("{count} notes", "{count} 条提示"),
        "notes.count.one": ("1 note", "1 条提示"),
        "consequences": ("{count} consequences", "{count} 个连带现象"),
        "consequences.one": ("1 consequence", "1 个连带现象"),
        "steps-of": ("{steps} of {planned} steps", "{planned} 步中的 {steps} 步"),
        "steps": ("{steps} steps", "{steps} 步"),
        "seed": ("seed {seed}", "种子 {seed}"),
        # a healthy run
        "healthy.loss": ("loss", "损失"),
        "healthy.best": ("validation", "验证"),
        "healthy.gradients": ("gradients", "梯度"),
        "healthy.updates": ("updates", "更新"),
        "healthy.activations": ("activations", "激活"),
        "healthy.gap": ("generalising", "泛化"),
        "healthy.speed": ("speed", "速度"),
        "loss.train": ("{first} -> {final} train", "训练 {first} -> {final}"),
        "loss.val": ("{final} validation", "验证 {final}"),
        "loss.accuracy": ("validation accuracy {share}", "验证准确率 {share}"),
        "loss.chance": ("{value} without learning", "未学习时为 {value}"),
        "best.of": (
            "best in evaluation {best} of {count} (loss {loss})",
            "共 {count} 次，第 {best} 次最好（损失 {loss}）",
        ),
        "best.noise": ("noise +-{noise}", "噪声 ±{noise}"),
        "gradients.norm": ("total norm {low}..{high}", "总范数 {low} ~ {high}"),
        "gradients.reach": ("reach {reached}/{count} tensors", "到达 {reached}/{count} 个张量"),
        "gradients.ratio": ("largest/smallest layer {ratio}x", "最大层/最小层 {ratio} 倍"),
        "concern.above": (" (concern above {limit})", "（超过 {limit} 需关注）"),
        "updates.median": (
            "update/weight median {value} (usual 1e-4..1e-2)",
            "更新量/权重中位数 {value}（常见 1e-4 ~ 1e-2）",
        ),
        "activations.dead": ("dead units {share} in the worst layer", "最差层死亡单元 {share}"),
        "activations.saturated": ("saturated {share}", "饱和 {share}"),
        "gap.value": ("gap {gap} between validation and training", "验证与训练相差 {gap}"),
        "speed.step": ("{ms} ms/step", "每步 {ms} 毫秒"),
        "speed.wait": ("waiting for data {share}", "等待数据 {share}"),
        "speed.memory": ("memory {mb} MB", "内存 {mb} MB"),
        # explain, rules, signals
        "group": ("group: {family}", "分组：{family}"),
        "default-level": ("default level: {severity}", "默认级别：{severity}"),
        "thresholds": ("Thresholds", "阈值"),
        "causes": ("Usual causes", "常见原因"),
        "leads-to": ("Leads to", "可能引起"),
        "fixes": ("Fixes", "修改方法"),
        "verification": ("Verify", "验证"),
        "branches": ("What it says", "具体表现"),
        "lookalikes": ("Ruled out when", "可排除"),
        "false-positives": ("May be wrong when", "可能误报"),
        "silence": ("Silence it", "关闭"),
        "see": ("See it", "演示"),
        "because": ("{name} = {value}: {because}", "{name} = {value}：{because}"),
        "reason": ("the reason", "原因"),
        "explain-hint": ("trainadvisor explain CODE shows one of them", "trainadvisor explain CODE 查看其中一项"),
        "rules.count": ("{count} rules", "{count} 条规则"),
        "check.passed": ("{rules} rules, {cases} cases: all passed", "{rules} 条规则、{cases} 个用例：全部通过"),
        "needs": ("needs", "需要记录"),
        "signals.count": ("{count} signals", "{count} 个信号"),
        "changes.limits": ("limits: {text}", "限制：{text}"),
        "changes.count": ("{count} changes", "{count} 种更改"),
        # while a script runs
        "run.watching": ("trainadvisor: watching {target}", "trainadvisor：正在观察 {target}"),
        "run.found": ("found", "发现"),
        "run.records": ("records", "记录"),
        "run.log": ("log", "日志"),
        "run.classes": ("{count} classes", "{count} 类"),
        "run.cadence": (
            (
                "loss and timing every step; gradients every {gradients}, layers every {layers} steps, "
                "less often where that costs too much"
            ),
            "每步记录损失与耗时；梯度每 {gradients} 步、各层统计每 {layers} 步，开销过大时自动降低频率",
        ),
        "run.sparse": (
            "recording took {share} of the time (budget {budget}), so layers were sampled more rarely",
            "记录占用了 {share} 的时间（预算 {budget}），因此各层的采样变得稀疏",
        ),
        "run.overhead": ("overhead measured: {share} of the time", "实测开销：占总时间 {share}"),
        "run.cleared": ("cleared at step {step}: {code}", "第 {step} 步起不再出现：{code}"),
        "run.stopping": (
            "trainadvisor: {code} has persisted; interrupting the script at step {step}",
            "trainadvisor：{code} 持续存在，在第 {step} 步中断脚本",
        ),
        "run.nothing": (
            (
                "no torch training ran in {target}: nothing was recorded; if it trains in another process, "
                "call trainadvisor.watch(model, optimizer) there"
            ),
            (
                "{target} 中没有运行 torch 训练，未记录任何内容；"
                "如果训练在其他进程中进行，请在那里调用 trainadvisor.watch(model, optimizer)"
            ),
        ),
        "run.early": (
            "{target} ended with exit code {code} before it trained: nothing was recorded",
            "{target} 在开始训练之前以退出码 {code} 结束，未记录任何内容",
        ),
        "run.report": ("report: {path}", "报告：{path}"),
        "run.more": ("full report: trainadvisor diagnose {log} -v", "完整报告：trainadvisor diagnose {log} -v"),
        # markdown
        "md.finding": ("Finding", "发现"),
        "md.confidence": ("Confidence", "置信度"),
        "md.details": ("details", "详情"),
    }
    | GATE
    | VERIFY
)


class Words:
    """The texts of one language: `words("fix")` gives the text of a key."""

    def __init__(self, lang: str) -> None:
        """Take "en" or "zh"."""
        self.lang = lang
        self._column = 1 if lang == "zh" else 0

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its placeholders filled."""
        text = TEXTS[key][self._column]
        return text.format(**values) if values else text

    def of(self, pair: tuple[str, str]) -> str:
        """Return the text of a pair in English and Chinese that is held elsewhere."""
        return pair[self._column]

    def count(self, key: str, count: int) -> str:
        """Return a counted noun, such as "1 error" or "2 errors"."""
        return self(f"{key}.one") if count == 1 else self(key, count=self.number(count))

    def metric(self, name: str) -> str:
        """Return what a figure of verify is called."""
        if f"verify.metric.{name}" in TEXTS:
            return self(f"verify.metric.{name}")
        kind, _, told = name.partition(" ")
        return self("verify.metric.printed", name=told) if kind == "printed" else name

    def number(self, value: int) -> str:
        """Return a whole number, with thousands separated in English only."""
        return f"{value:,}" if self.lang == "en" else str(value)


def choose(option: str | None = None, configured: str | None = None, env: Mapping[str, str] = os.environ) -> str:
    """Return "en" or "zh": the option, then TRAINADVISOR_LANG, then the configuration, then the locale."""
    for wish in (option, env.get("TRAINADVISOR_LANG"), configured):
        if wish and wish != "auto":
            return _known(wish)
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def _known(wish: str) -> str:
    lang = wish.lower().replace("_", "-").split("-")[0].split(".")[0]
    if lang not in ("en", "zh"):
        message = f"language {wish!r} is not known; choose en or zh"
        raise UsageError(message)
    return lang
