"""The forms of a report that programs and tools read: a module each, called like its form, with `render_all`.

`render_all(entries, lang, book)` returns the text of several runs; `ENDING` is the ending of files in this form, where
one stands for it.
"""
