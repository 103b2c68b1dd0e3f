// The editor for exercises as one plain script, made by tools/vendor.py. What engine.js takes of it stands here.
import {indentWithTab} from "@codemirror/commands";
import {python} from "@codemirror/lang-python";
import {indentUnit} from "@codemirror/language";
import {oneDark} from "@codemirror/theme-one-dark";
import {EditorView, keymap} from "@codemirror/view";
import {basicSetup} from "codemirror";

globalThis.ltEditor = {EditorView, keymap, indentWithTab, oneDark, extensions: [basicSetup, python(), indentUnit.of("    ")]};
