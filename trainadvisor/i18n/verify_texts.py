"""The texts of verify, in English and Chinese; `language` joins them to the others."""

# key: (English, Chinese); a test compares the placeholders of each pair
VERIFY: dict[str, tuple[str, str]] = {
    # progress
    "verify.start": (
        "trainadvisor: verifying remedies for {target} (budget {budget}, {where})",
        "trainadvisor：正在验证 {target} 的修改方案（预算 {budget}，{where}）",
    ),
    "verify.from-log": (
        "the log names this command, and --yes-run runs it: {command}",
        "日志给出的命令（--yes-run 允许运行）：{command}",
    ),
    "verify.scratch": ("in scratch copies of the folder", "在文件夹的临时副本中运行"),
    "verify.in-place": ("in place", "在原文件夹中运行"),
    "verify.baseline": (
        "baseline: {steps} steps in {seconds} s{cut}: {summary}",
        "基线：{steps} 步，{seconds} 秒{cut}：{summary}",
    ),
    "verify.cut": (", cut there as all trials are", "，到此截断，所有试验相同"),
    "verify.no-baseline": ("baseline: {reason}", "基线：{reason}"),
    "verify.trying": ("try {number}/{count}: {what}", "试验 {number}/{count}：{what}"),
    "verify.judged": ("{verdict}{figures} ({seconds} s)", "{verdict}{figures}（{seconds} 秒）"),
    "verify.repeating": ("seed {number}/{count}: {what}", "种子 {number}/{count}：{what}"),
    "verify.better": ("better", "有改善"),
    "verify.no-better": ("no better", "无改善"),
    "verify.worse": ("worse", "更差"),
    "verify.refused": ("cannot be applied from outside", "无法从外部施加"),
    "verify.failed": ("the script failed with it", "施加后脚本出错"),
    "verify.hopeless": ("hopeless, stopped early", "没有希望，已提前停止"),
    "verify.ignored": ("the script ignores it", "脚本未受影响"),
    "verify.not-judged": ("cannot be judged", "无法判断"),
    "verify.unfinished": ("not finished", "未完成"),
    "verify.figure": ("{metric} {after} against {before}", "{metric} {after}（原为 {before}）"),
    # what runs are compared by
    "verify.metric.validation accuracy": ("validation accuracy", "验证准确率"),
    "verify.metric.validation R2": ("validation R2", "验证 R2"),
    "verify.metric.validation skill": ("validation skill", "验证得分（skill）"),
    "verify.metric.validation loss": ("validation loss", "验证损失"),
    "verify.metric.training accuracy": ("training accuracy", "训练准确率"),
    "verify.metric.training skill": ("training skill", "训练得分（skill）"),
    "verify.metric.training loss": ("training loss", "训练损失"),
    "verify.metric.step seconds": ("step seconds", "单步耗时（秒）"),
    "verify.metric.waiting for data": ("waiting for data", "等待数据的占比"),
    "verify.metric.time in slow steps": ("time in slow steps", "慢步耗时占比"),
    "verify.metric.mean step seconds": ("mean step seconds", "平均单步耗时（秒）"),
    "verify.metric.seconds an example": ("seconds an example", "每个样本耗时（秒）"),
    "verify.metric.memory growth (kB a step)": ("memory growth (kB a step)", "内存增长（kB/步）"),
    "verify.metric.printed": ("printed {name}", "脚本输出的 {name}"),
    # the answer
    "verify.answer.verified": ("VERIFIED", "已验证"),
    "verify.answer.none-helped": ("NONE HELPED", "均无改善"),
    "verify.answer.nothing-to-cure": ("NOTHING TO CURE", "无需修改"),
    "verify.answer.not-judged": ("CANNOT JUDGE", "无法判断"),
    "verify.sentence": ("{figures}, {wins} of {seeds} seeds", "{figures}，{seeds} 个种子中 {wins} 个改善"),
    "verify.sentence.one": ("{figures}, one pair of runs only", "{figures}，只有一对运行"),
    "verify.after": (
        "{metric} after {steps} steps {after} against {before}",
        "{steps} 步后{metric} {after}（原为 {before}）",
    ),
    "verify.change": ("change {where}", "修改 {where}"),
    "verify.none": (
        "none of {count} remedies helped; what that rules out: {ruled}",
        "{count} 个修改方案均无改善；由此可以排除：{ruled}",
    ),
    "verify.none.nothing": ("none of {count} remedies could be tried", "{count} 个修改方案都无法试验"),
    "verify.none.nothing-ruled": ("nothing", "无"),
    "verify.healthy": ("the run is healthy; nothing was tried", "训练正常，未做任何试验"),
    "verify.no-such": ("{code} was not found in this run; nothing was tried", "本次运行中没有 {code}，未做任何试验"),
    "verify.cannot-tell": ("the run cannot be judged: {summary}", "无法判断此次运行：{summary}"),
    "verify.no-steps": (
        "no optimizer step was recorded in {seconds} s ({reason}); give a larger --budget, or train in this process",
        "{seconds} 秒内没有记录到优化器步骤（{reason}）；请增大 --budget，或在本进程中训练",
    ),
    "verify.no-room": (
        "the budget left no room for a trial: one run takes {seconds} s; give a larger --budget",
        "预算不足以进行任何试验：一次运行需要 {seconds} 秒，请增大 --budget",
    ),
    "verify.no-metric": ("no metric that the runs share", "两次运行没有可比的指标"),
    "verify.row.gain": ("gain", "增益"),
    "verify.gain": (
        "{gain}, 95 % interval {low} to {high}; clearly better from {margin} on",
        "{gain}，95% 区间 {low} 至 {high}；超过 {margin} 才算明显改善",
    ),
    "verify.gain.bare": ("{gain}; clearly better from {margin} on", "{gain}；超过 {margin} 才算明显改善"),
    "verify.row.gone": ("gone", "已消失"),
    "verify.row.left": ("still found", "仍存在"),
    "verify.row.tried": ("also tried", "其他试验"),
    "verify.row.confidence": ("confidence", "置信度"),
    "verify.confidence": ("{code}: {before} -> {after}", "{code}：{before} -> {after}"),
    "verify.interrupted": ("interrupted: this is what was learned until then", "已中断：以下是此前得到的结果"),
    "verify.written": ("all trials: {path}", "全部试验：{path}"),
    "verify.applied": ("written: {path} with the change", "已写入：{path}（含修改）"),
    "verify.unapplied": (
        "{path}: not written, the literal line of this change was not seen; make it by hand",
        "{path}：未写入，没有找到可以直接替换的代码行，请手动修改",
    ),
    # notes
    "verify.note.not-deterministic": (
        "the script is not deterministic: with the same seeds its first loss differs from run to run",
        "脚本不是确定性的：种子相同，首步损失却每次不同",
    ),
    "verify.note.seeds-ignored": (
        "the script ignores other seeds: every run is the same, so the scatter over seeds is not known",
        "脚本不受种子影响：每次运行完全相同，因此无法得知种子间的波动",
    ),
    "verify.note.ties": (
        "with {count} other seeds the unmodified script did as well: the fault depends on luck there",
        "换用另外 {count} 个种子时，原脚本的结果同样好：问题是否出现取决于随机性",
    ),
    "verify.note.one-pair": (
        "the budget left room for one pair of runs only; a larger --budget tries more seeds",
        "预算只够一对运行；增大 --budget 可以试更多种子",
    ),
    "verify.note.cut": (
        "the script was cut at step {step}: what shows only at its end is not judged; a larger --budget runs on",
        "脚本在第 {step} 步被截断：只在结束时才能看出的问题未作判断；增大 --budget 可运行更久",
    ),
    "verify.note.ended-early": (
        "the script ended early with a change; such trials are not compared",
        "施加修改后脚本提前结束，这类试验不参与比较",
    ),
    "verify.note.ignored": ("the script ignores {changes}", "脚本未受 {changes} 影响"),
    # said of the scratch copies before anything runs
    "copies.linked": (
        "shared by --link, what the script writes there changes the original: {names}",
        "按 --link 与原文件夹共享：{names}；脚本写入其中的内容会直接写入原处",
    ),
    "copies.left": ("left out of the copies: {names}", "未放入副本：{names}"),
    "copies.absolute": (
        "{names}: name this folder by its absolute path; what the script writes there is written there, not in a copy",
        "{names} 以绝对路径写出了本文件夹：脚本写入该路径的内容会写入原处，而不是副本",
    ),
    # what a remedy without effect rules out
    "verify.rules-out.other": ("that {change} is all that is missing", "只缺 {change}"),
    # the section of the report
    "verify.section": ("Verified remedies", "已验证的修改"),
    "verify.col.remedy": ("remedy", "修改"),
    "verify.col.metric": ("metric", "指标"),
    "verify.col.before": ("without", "修改前"),
    "verify.col.after": ("with", "修改后"),
    "verify.col.seeds": ("seeds", "种子"),
    "verify.col.gain": ("gain (95 % interval)", "增益（95% 区间）"),
    "verify.seeds": ("{wins} of {seeds}", "{seeds} 个中 {wins} 个"),
    "verify.chart": (
        "training loss of every pair of runs: without the change in {one}, with it in {two}",
        "每对运行的训练损失：修改前为{one}，修改后为{two}",
    ),
    "verify.colour.one": ("blue", "蓝色"),
    "verify.colour.two": ("orange", "橙色"),
    "verify.tried": ("tried: {text}", "已试验：{text}"),
}
