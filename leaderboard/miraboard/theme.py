"""How the widgets look and move: theme, style, and the few lines of script that Gradio has no widget for."""

from __future__ import annotations

import gradio as gr

TOGGLE = """() => {
    const dark = document.body.classList.toggle('dark');
    localStorage.setItem('mb-theme', dark ? 'dark' : 'light');
}"""
RECALL = """() => {
    const theme = localStorage.getItem('mb-theme');
    if (theme) document.body.classList.toggle('dark', theme === 'dark');
}"""
"""A link within the board opens a new page, which should look like the last; else the system decides."""
FOLLOW = """
element.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="?show="]');
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = link.getAttribute('href');
    history.pushState({}, '', address);
    window.scrollTo(0, 0);
    trigger('click', Object.fromEntries(new URLSearchParams(address)));
});
"""
"""A link within the board changes the page in place; opened in a new tab it works as well."""
BACK = "() => { addEventListener('popstate', () => location.reload()); }"
CSS = """
footer{display:none!important}
.gradio-container{max-width:1320px!important;width:100%!important;margin:0 auto!important}
.gradio-container>main{width:100%!important;max-width:100%!important}
.gradio-container .html-container{padding:0!important}
#mb-head{align-items:center;gap:8px 20px}
#mb-head h1{font-size:24px;margin:0;line-height:1.3}#mb-head p{margin:0}
#mb-theme{flex:0 0 auto;min-width:110px!important}
.gradio-container input[role=combobox]{text-overflow:ellipsis;padding-right:30px}
#mb-page{max-width:150px}.gradio-container:not(:has(.mb-paged)) .form:has(#mb-page){display:none}
.dark .gradio-container button[role=tab][aria-selected=true]{color:#74cbd4!important}
@media (max-width:700px){.gradio-container>main{padding:10px!important}
#mb-theme{display:none}#mb-head p{font-size:0;margin:0}#mb-head p a{font-size:14px}
[id^=mb-ask-] .wrap{gap:6px;flex-wrap:nowrap}[id^=mb-ask-] label{padding:8px}#mb-table{order:-1}}
"""

_TEAL = gr.themes.Color(
    "#eef7f8", "#d5ebed", "#abd6da", "#7dbcc3", "#4b9aa3", "#1f7f8a", "#17616a", "#134f57",
    "#103f45", "#0c3035", "#081f23", name="teal",
)  # fmt: skip
"""The accent of the pages' own style."""


def theme() -> gr.themes.Base:
    """The system's own fonts: no page asks anybody else for anything."""
    names = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    mono = ("ui-monospace", "Menlo", "Consolas", "monospace")
    base = gr.themes.Base(
        primary_hue=_TEAL,
        neutral_hue="stone",
        font=[gr.themes.Font(n) for n in names],
        font_mono=[gr.themes.Font(n) for n in mono],
    )
    return base.set(
        body_background_fill="#fbfaf8", body_background_fill_dark="#15181b",
        background_fill_primary="#fbfaf8", background_fill_primary_dark="#15181b",
        block_background_fill="#ffffff", block_background_fill_dark="#1c2024",
        block_border_color="#dedad3", block_border_color_dark="#363d43",
        border_color_primary="#dedad3", border_color_primary_dark="#363d43",
        input_background_fill="#f6f4f0", input_background_fill_dark="#262b30",
        button_secondary_background_fill="#efece6", button_secondary_background_fill_dark="#2b3137",
        button_secondary_background_fill_hover="#e4e0d8",
        button_secondary_background_fill_hover_dark="#363d43",
        button_primary_background_fill="#17616a", button_primary_background_fill_dark="#1f7f8a",
        button_primary_background_fill_hover="#124d54",
        button_primary_background_fill_hover_dark="#17616a",
        checkbox_label_background_fill_dark="#262b30", block_radius="8px", input_radius="6px",
    )  # fmt: skip
