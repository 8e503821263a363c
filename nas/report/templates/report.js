"use strict";
// Everything on the page is there without this script. It adds: sorting, filtering, columns, a comparison of up to four,
// downloads, a theme, what a mark says when it is pointed at or focused, one selection for all charts and tables, and
// the state of all that in the address. What else there is in other files stands on what this one returns.
const report = (() => {
  const source = document.getElementById("report-data"), data = JSON.parse(source.textContent);
  const words = JSON.parse(source.dataset.words ?? "{}"); // by what is said here, what another language says
  const _ = (message, values = {}) => (words[message] ?? message).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value; else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const button = (properties, ...told) => make("button", { type: "button", ...properties }, ...told);
  // A table that scrolls in a region of its own, named by its caption.
  const tabulated = (id, className, caption, headers, rows) => {
    const head = make("tr", {}, ...headers.map(header => make("th", { scope: "col" }, header)));
    const table = make("table", { className }, make("caption", { id }, caption), make("thead", {}, head), make("tbody", {}, ...rows));
    return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-labelledby": id }, table);
  };
  const kept = (storage, name) => {
    const get = () => { try { return window[storage].getItem(name); } catch { return null; } };
    return { get, set: value => { try { window[storage].setItem(name, value); } catch { /* not kept, then */ } } };
  };
  const said = make("p", { role: "status", className: "note said" });

  // ---- the address: #key=value&…; what has no "=" is the anchor of a section
  const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const keep = (name, value) => {
    if (value) state.set(name, value); else state.delete(name);
    const text = state.toString();
    try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch { /* file: of some browsers */ }
  };

  // ---- theme
  const stored = kept("localStorage", "nas-theme");
  const theme = make("select", { id: "theme" }, ...[["auto", _("auto")], ["light", _("light")], ["dark", _("dark")]].map(([name, told]) => new Option(told, name)));
  const dress = value => {
    if (value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
  };
  theme.value = ["light", "dark"].includes(stored.get()) ? stored.get() : "auto";
  dress(theme.value);
  theme.addEventListener("change", () => { dress(theme.value); stored.set(theme.value); });
  document.querySelector("header .about").append(make("label", { className: "theme" }, _("theme"), " ", theme));

  // ---- one selection
  let selected = state.get("trial");
  const choose = trial => {
    selected = trial === selected ? null : trial;
    keep("trial", selected);
    light();
    said.textContent = selected ? _("Trial {trial} is marked in every chart and table.", { trial: selected }) : _("Nothing is marked.");
  };
  const light = (hovered = null) => {
    for (const element of all(".lit")) element.classList.remove("lit");
    for (const trial of new Set([selected, hovered])) {
      if (trial === null) continue;
      for (const element of all(`[data-trial="${CSS.escape(trial)}"]`)) element.classList.add("lit");
    }
  };

  // ---- a range: the only ones to be shown, or null for all
  let within = null, applied = () => {};
  const restrict = trials => {
    within = trials;
    for (const mark of all("svg.chart [data-trial]")) mark.classList.toggle("faded", within !== null && !within.has(mark.dataset.trial));
    applied();
  };

  // ---- what a mark says
  const tip = make("div", { id: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  const show = mark => {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const left = Math.min(Math.max(4, box.left + Math.min(box.width, 24) / 2 + 10), innerWidth - tip.offsetWidth - 4);
    const above = box.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(4, left) + scrollX}px`;
    tip.style.top = `${(above < 4 ? Math.min(box.bottom + 6, innerHeight - tip.offsetHeight) : above) + scrollY}px`;
    light(mark.dataset.trial);
  };
  const hide = () => { tip.hidden = true; light(); };
  addEventListener("keydown", event => { if (event.key === "Escape") hide(); });

  for (const chart of all("svg.chart")) {
    const marks = all("[data-trial][data-tip]", chart);
    if (!marks.length) continue;
    const told = chart.getAttribute("aria-label");
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", _("{told} Arrow keys go from mark to mark, Enter marks its trial everywhere.", { told }));
    // From left to right, as an eye would go, and one stop for the tabulator.
    const order = marks.map(mark => [mark.getBoundingClientRect().left, mark]).sort((a, b) => a[0] - b[0]).map(pair => pair[1]);
    order.forEach((mark, index) => {
      mark.setAttribute("tabindex", index ? "-1" : "0");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", mark.dataset.tip);
    });
    chart.addEventListener("keydown", event => {
      const at = order.indexOf(event.target);
      if (at < 0) return;
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[event.key];
      if (to !== undefined) event.preventDefault();
      if (order[to]) {
        event.target.setAttribute("tabindex", "-1");
        order[to].setAttribute("tabindex", "0");
        order[to].focus();
      }
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event.target.dataset.trial); }
    });
    const on = (kind, act) => chart.addEventListener(kind, event => { const mark = event.target.closest?.("[data-tip]"); if (mark) act(mark); });
    on("pointerover", show);
    on("pointerout", mark => { if (document.activeElement !== mark) hide(); });
    on("focusin", show);
    on("focusout", hide);
    on("click", mark => choose(mark.dataset.trial));
  }

  // ---- commands to copy
  for (const code of all("code.command")) {
    if (!navigator.clipboard) break;
    const copy = button({ className: "copy", "aria-label": _("Copy the command {command}", { command: code.textContent }) }, _("copy"));
    copy.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(code.textContent); copy.textContent = _("copied"); }
      catch { getSelection().selectAllChildren(code); copy.textContent = _("selected"); }
      setTimeout(() => { copy.textContent = _("copy"); }, 2000);
    });
    code.after(" ", copy);
  }

  // ---- the ranking
  const table = document.getElementById("ranking-table");
  if (table) ranking(table);
  light();

  function ranking(table) {
    const body = table.tBodies[0], rows = [...body.rows], headers = [...table.tHead.rows[0].cells];
    const names = headers.map(header => header.dataset.column);
    const columnCount = names.length, several = rows.length > 1;
    const value = (row, column) => {
      const cell = row.cells[column];
      return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.textContent.trim().toLowerCase();
    };

    // sort: a header is a button
    let sorted = null;
    const sort = (column, descending) => {
      const known = rows.map(row => [value(row, column), row]);
      known.sort(([a, one], [b, other]) => {
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // what is unknown comes last
        const order = a < b ? -1 : a > b ? 1 : 0;
        return (descending ? -order : order) || rows.indexOf(one) - rows.indexOf(other);
      });
      body.append(...known.map(pair => pair[1]));
      headers.forEach((header, index) => {
        if (index === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
        else header.removeAttribute("aria-sort");
      });
      sorted = [column, descending];
      keep("sort", column || descending ? (descending ? "-" : "") + names[column] : "");
    };
    headers.forEach((header, column) => {
      header.append(button({ className: "sort", onclick: () => sort(column, sorted?.[0] === column && !sorted[1]) }, ...header.childNodes));
    });

    // filter: all words of it anywhere in a row, or "weights < 50000"
    const filter = make("input", { type: "search", id: "filter", size: 28, placeholder: _("resnet, or weights < 50000"), value: state.get("filter") || "" });
    const frontier = make("input", { type: "checkbox", id: "frontier", checked: state.get("frontier") === "1" });
    const passes = row => {
      if (within !== null && !within.has(row.dataset.trial)) return false;
      if (frontier.checked && row.dataset.front !== "1") return false;
      return filter.value.split(/[,，]/).every(part => {
        const found = part.match(/^\s*([\p{L}\w]+)\s*(<=|>=|<|>|=)\s*([-+.\deE]+)\s*$/u);
        const column = found ? names.findIndex((name, index) => name === found[1] || headers[index].textContent.toLowerCase().startsWith(found[1].toLowerCase())) : -1;
        if (column < 0) return row.textContent.toLowerCase().includes(part.trim().toLowerCase());
        const a = value(row, column), b = Number(found[3]);
        return typeof a === "number" && { "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "=": a === b }[found[2]];
      });
    };
    const apply = () => {
      let shown = 0;
      for (const row of rows) { row.hidden = !passes(row); if (!row.hidden) shown += 1; }
      keep("filter", filter.value);
      keep("frontier", frontier.checked ? "1" : "");
      said.textContent = _("{shown} of {all} architectures are shown.", { shown, all: rows.length });
    };
    applied = apply;
    filter.addEventListener("input", apply);
    frontier.addEventListener("change", apply);

    // columns
    const hidden = new Set((state.get("hide") || "").split(",").filter(Boolean));
    const boxes = headers.map((header, column) => {
      const box = make("input", { type: "checkbox", checked: !hidden.has(names[column]) });
      const title = header.querySelector("button").firstChild.textContent.trim();
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(names[column]); else hidden.add(names[column]);
        keep("hide", [...hidden].join(","));
        cover(column);
      });
      return make("label", {}, box, " ", title);
    });
    const cover = column => { for (const row of table.rows) row.cells[column].hidden = hidden.has(names[column]); };
    hidden.forEach(name => { if (names.includes(name)) cover(names.indexOf(name)); });
    const columns = make("details", { className: "columns" }, make("summary", {}, _("Columns")), make("div", { className: "boxes", role: "group", "aria-label": _("Columns") }, ...boxes));

    // compare up to four
    const comparison = document.getElementById("comparison");
    const compared = (state.get("compare") || "").split(",").filter(trial => rows.some(row => row.dataset.trial === trial)).slice(0, 4);
    const byTrial = new Map(data.ranking.map(entry => [String(entry.best.number), entry]));
    if (several) table.tHead.rows[0].append(make("th", { scope: "col" }, _("Compare")));
    for (const row of several ? rows : []) {
      const { trial } = row.dataset;
      const box = make("input", { type: "checkbox", checked: compared.includes(trial), "aria-label": _("Compare trial {trial}", { trial }) });
      box.addEventListener("change", () => {
        if (box.checked && compared.length === 4) { box.checked = false; said.textContent = _("Four at most can be compared."); return; }
        if (box.checked) compared.push(trial); else compared.splice(compared.indexOf(trial), 1);
        compare();
      });
      row.append(make("td", {}, make("label", { className: "check" }, box)));
    }
    body.addEventListener("click", event => {
      const row = event.target.closest("tr");
      if (row && !event.target.closest("label, input, button, a")) choose(row.dataset.trial);
    });
    const named = { place: _("place"), estimate: _("estimate"), low: _("low"), high: _("high"), seeds: _("seeds"), p_best: _("chance to be best"),
      weights: _("weights"), macs: "MACs", memory: _("memory"), family: _("family"), epochs: _("epochs"), seconds: _("seconds") };
    const text = found => typeof found === "boolean" ? (found ? _("yes") : _("no")) : found === null || found === undefined ? "–" : typeof found === "number" && !Number.isInteger(found) ? found.toPrecision(4) : String(found);
    const compare = () => {
      keep("compare", compared.join(","));
      comparison.hidden = compared.length < 2;
      comparison.replaceChildren();
      if (comparison.hidden) return;
      const entries = compared.map(trial => byTrial.get(trial));
      const lines = new Map();
      const put = (name, told) => { if (new Set(told).size > 1 || name === "place") lines.set(name, told); };
      put("place", entries.map(entry => text(entry.place)));
      data.objectives.forEach((objective, index) => put(objective.metric, entries.map(entry => text(entry.values[index]))));
      const each = (keys, of) => { for (const key of keys) put(key, entries.map(entry => text(of(entry)?.[key]))); };
      each(["estimate", "low", "high", "seeds", "p_best"], entry => entry.trust);
      each(["weights", "macs", "memory"], entry => entry.best.cost);
      each(["family", "epochs", "seconds"], entry => entry.best);
      each(new Set(entries.flatMap(entry => Object.keys(entry.best.params))), entry => entry.best.params);
      const caption = _("{count} trials side by side: what is not the same for all of them.", { count: compared.length });
      const made = [...lines].map(([name, told]) => make("tr", {}, make("th", { scope: "row" }, named[name] ?? name), ...told.map(item => make("td", {}, item))));
      const headers = [_("What"), ...compared.map(trial => _("Trial {trial}", { trial }))];
      comparison.append(make("h3", {}, _("Side by side")), tabulated("comparison-caption", "", caption, headers, made));
    };

    // downloads: what is shown as CSV, everything as JSON
    const save = (name, type, content) => {
      const url = URL.createObjectURL(new Blob([content], { type }));
      const link = make("a", { href: url, download: name });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    };
    const cell = told => { const plain = /^[=+\-@\t\r]/.test(told) && isNaN(Number(told)) ? "'" + told : told; return /[",\n]/.test(plain) ? '"' + plain.replaceAll('"', '""') + '"' : plain; };
    const csv = () => {
      const lines = [headers.map(header => cell(header.textContent.trim().replace(/\s+/g, " ")))];
      for (const row of body.rows) if (!row.hidden) lines.push([...row.cells].slice(0, columnCount).map(one => cell(one.dataset.v ?? one.textContent.trim())));
      return lines.map(line => line.join(",")).join("\n") + "\n";
    };
    const stem = data.study.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || "study";
    const downloads = [
      button({ onclick: () => save(`${stem}.csv`, "text/csv", csv()) }, _("Download CSV")),
      button({ onclick: () => save(`${stem}.json`, "application/json", JSON.stringify(data, null, 2)) }, _("Download JSON")),
    ];

    const tools = document.getElementById("ranking-tools");
    if (several) tools.append(make("label", {}, _("Filter"), " ", filter), make("label", {}, frontier, " ", _("frontier only")));
    tools.append(columns, ...downloads, said);
    tools.hidden = false;
    const wanted = state.get("sort");
    if (wanted) { const column = names.indexOf(wanted.replace(/^-/, "")); if (column >= 0) sort(column, wanted.startsWith("-")); }
    if (filter.value || frontier.checked) apply();
    if (compared.length) compare();
  }

  // ---- print: everything open
  let closed = [];
  addEventListener("beforeprint", () => { closed = all("details:not([open])"); closed.forEach(one => { one.open = true; }); });
  addEventListener("afterprint", () => { closed.forEach(one => { one.open = false; }); });
  return { _, state, keep, all, make, tabulated, kept, restrict };
})();
