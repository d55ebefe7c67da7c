"""Settings of Sphinx: no fonts, scripts or pictures of other hosts; every warning is an error."""

from pathlib import Path

here = Path(__file__).parent
language = "zh_CN" if here.name == "zh" else "en"
project = "trainadvisor"
html_title = "trainadvisor"
html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
extensions = ["myst_parser"]
templates_path = ["_templates"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
# a page may begin with any level where it shows a part of another text
suppress_warnings = ["misc.highlighting_failure"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {"other": "English" if language == "zh_CN" else "中文"}
