// The front end of ipywidgets and of anywidget as one plain script, made by tools/vendor.py. What engine.js takes of it stands here.
import "./define.js";
import * as base from "@jupyter-widgets/base";
import {ManagerBase} from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import {Widget} from "@lumino/widgets";
import "anywidget";
import "@lumino/widgets/style/index.css";
import "@jupyter-widgets/base/css/index.css";
import "@jupyter-widgets/controls/css/widgets.css";

globalThis.ltWidgets = {base, controls, anywidget: globalThis.ltAnywidget(base), ManagerBase, attach: Widget.attach};
