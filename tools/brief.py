"""The numbers of docs/decision-brief.md, taken from what notebook 12 prints: `write_readme.py` carries them there.

The notebook's cells with the tags `verdict` and `decision` print a table and single numbers; the brief has them in two languages.
`sketches.py` draws what the cells with the tags `mismatches` and `leads` print.
"""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks" / "12_from_pilot_to_practice.ipynb"
BRIEF = ROOT / "docs" / "decision-brief.md"
LABEL = 24  # characters: the names on the left
ROWS = {
    "excess, noise U(0, 5)": (
        "Tasks whose noise differs, σ ~ U(0, 5): excess loss",
        "ノイズが課題ごとに異なる場合（σ ~ U(0, 5)）の超過損失",
    ),
    "total, noise U(0, 5)": ("The same: total loss", "同上の総損失"),
    "excess, noise {1, 3}": ("The same, σ is 1 or 3: excess loss", "σ が 1 または 3 の場合の超過損失"),
    "total, noise {1, 3}": ("The same: total loss", "同上の総損失"),
    "real table, error": (
        "Real table, one noise level: error (1 = predicting the mean)",
        "実データ（ノイズは一定）の誤差（1 = 平均値による予測）",
    ),
    "real table, points": (
        "The same in points of its score, 25 to 346: root mean square",
        "同上、スコア（25〜346 点）の点数で：二乗平均平方根",
    ),
    "real table, failed": (
        "The same without the guard: contexts that miss by more than 100 points",
        "同上、ガードなしで 100 点を超えて外れた文脈の割合",
    ),
    "correlation of 0.9": (
        "Synthetic, strongly correlated inputs: error",
        "合成データ、強く相関した入力：誤差",
    ),
    "outlying rows": ("Synthetic, outlying rows: error", "合成データ、外れた行：誤差"),
    "outliers among y": ("Synthetic, outliers among the labels: error", "合成データ、ラベルの外れ値：誤差"),
    "labels times 3": (
        "Synthetic, labels three times those of the earlier contexts: error",
        "合成データ、ラベルが過去の文脈の 3 倍：誤差",
    ),
    "noise of 8": (
        "Synthetic, σ = 8, above the training's: error",
        "合成データ、σ = 8（訓練範囲外）：誤差",
    ),
    "outliers, unforeseen": (
        "Synthetic, outliers among the labels, none in the earlier contexts: error",
        "合成データ、過去の文脈にはなかったラベルの外れ値：誤差",
    ),
    "noise 8, unforeseen": (
        "Synthetic, σ = 8, in the earlier contexts 2: error",
        "合成データ、σ = 8（過去の文脈では 2）：誤差",
    ),
}
SINGLE = {
    "DIAG-7, gate passed": (
        "The gate (ahead of AdaRR and of Bayes by two standard errors): DIAG passes it in {} of the {} settings of this table.",
        "関門（AdaRR とベイズ最適予測の両方に標準誤差の 2 倍を超える差で勝つ）：DIAG は上の表の {1} 設定のうち {0} 設定で通過。",
    ),
    "FULL-7, gate passed": (
        "FULL passes it in {} of the {}.",
        "FULL は {1} 設定のうち {0} 設定で通過。",
    ),
    "two heads, gate passed": (
        "FULL with two heads, the best model that is stored, passes it in {} of the {}.",
        "保存されているモデルのうち最良の、ヘッドが二つの FULL は {1} 設定のうち {0} 設定で通過。",
    ),
    "DIAG-7, beats AdaRR": (
        "DIAG is ahead of AdaRR alone by two standard errors in {} of the {}.",
        "AdaRR だけを相手に標準誤差の 2 倍を超える差で勝つのは、DIAG が {1} 設定のうち {0} 設定。",
    ),
    "FULL-7, beats AdaRR": (
        "FULL is ahead of AdaRR alone in {} of the {}.",
        "FULL は {1} 設定のうち {0} 設定。",
    ),
    "ridge, fitted once": (
        "Real table, where all contexts obey one rule: ridge fitted once on all earlier rows has the error {}.",
        "実データではすべての文脈が同じ規則に従うため、過去の全行に一度だけ当てはめたリッジ回帰の誤差は {} です。",
    ),
    "in points": ("In points of its score: {}.", "スコアの点数では {} です。"),
    "DIAG-4, alarm hit": (
        "Alarm of DIAG with four layers on the real table, as it is and whitened: it rang for {} of {} failures.",
        "4 層の DIAG の警報（実データ、白色化の前と後）が鳴った割合：失敗 {1} 件中 {0} 件。",
    ),
    "DIAG-4, rang in vain": (
        "It rang in vain for {} of the other {} contexts.",
        "失敗していない文脈での誤警報：{1} 件中 {0} 件。",
    ),
    "seven layers, failed": (
        "DIAG, FULL and FULL with two heads, of seven layers, failed there in {} of {} contexts together: their alarm is untested.",
        "7 層の DIAG、FULL、ヘッドが二つの FULL の失敗は、合わせて {1} 件中 {0} 件で、その警報は未検証です。",
    ),
    "bound, if independent": (
        "No failure in N independent contexts would bound the rate by 3/N: {} for N = {}. Ours share rows, and do not show even that.",
        "独立な N 個の文脈で失敗がなければ、失敗率の上限は 3/N です（N = {1} で {0}）。ここでは行を共有しているため、それさえ示せません。",
    ),
    "DIAG-7, mean explodes": (
        "Without the guard the mean error of DIAG explodes in {} of the {} synthetic rows.",
        "ガードがない場合、DIAG の平均誤差は合成データ {1} 行のうち {0} 行で発散します。",
    ),
    "FULL-7, mean explodes": (
        "That of FULL explodes in {} of the {}.",
        "FULL では {1} 行のうち {0} 行です。",
    ),
    "DIAG-7, alarm missed": (
        "Alarm on the synthetic rows: it missed {} of {} failures of DIAG.",
        "合成データで警報が見逃した割合：DIAG の失敗 {1} 件中 {0} 件。",
    ),
    "FULL-7, alarm missed": (
        "It missed {} of {} failures of FULL: a weight that follows outliers, or much noise, fits its own rows.",
        "FULL の失敗 {1} 件中 {0} 件。外れ値や大きなノイズに従った重みは、自分の行にはよく合うためです。",
    ),
}
COLUMNS = (
    ("DIAG", "FULL", "ridge CV", "one penalty", "AdaRR", "evidence ridge", "Bayes"),
    (
        "DIAG",
        "FULL",
        "リッジ回帰（交差検証）",
        "リッジ回帰（罰則を一つに固定）",
        "AdaRR",
        "エビデンスによるリッジ回帰",
        "ベイズ最適予測",
    ),
)


def lines_of(tag):
    """What the notebook's cell with this tag prints -> list of str"""
    (cell,) = (
        cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if tag in cell.metadata.get("tags", [])
    )
    return cell.outputs[0]["text"].splitlines()


def printed(*tags):
    """What the notebook's cells with these tags print, as a table -> {name: list of numbers as text}"""
    return {
        line[:LABEL].strip(): re.split(r"\s{2,}", line[LABEL:].strip())
        for tag in tags or ("verdict", "decision")
        for line in lines_of(tag)
    }


def block(language):
    """The numbers as a table and a list, in English (0) or Japanese (1)."""
    numbers = printed()
    missing = [name for name in (*ROWS, *SINGLE) if name not in numbers]
    if missing:
        raise SystemExit(
            f"{NOTEBOOK.name} does not print {missing[0]!r}: run make notebooks NB=12, or change tools/brief.py."
        )
    columns = COLUMNS[language]
    rows = [
        ("", *columns),
        ("---",) * (1 + len(columns)),
        *((words[language], *numbers[name]) for name, words in ROWS.items()),
    ]
    lines = ["| " + " | ".join(cell or " " for cell in row) + " |" for row in rows]
    said = ("- " + words[language].format(*numbers[name][0].split(" of ")) for name, words in SINGLE.items())
    return "\n".join([*lines, "", *said])


BLOCKS = {"numbers": 0, "numbers-ja": 1}
