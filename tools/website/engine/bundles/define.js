// anywidget comes as an AMD module: a function of @jupyter-widgets/base. tools/vendor.py has it call `ltDefine`.
globalThis.ltDefine = (_, factory) => (globalThis.ltAnywidget = factory);
