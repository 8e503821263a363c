// Any two architectures side by side, as nas/report/difference.py does it with the two best.
(() => {
  const { _, state, keep, make, tabulated } = report;
  const said = { alike: _("alike"), changed: _("changed"), removed: _("removed"), added: _("added") };
  const held = document.getElementById("difference-data");
  if (!held) return;
  const { lines, trials } = JSON.parse(held.textContent);
  const [one, other] = ["one", "other"].map(name => document.getElementById(`difference-${name}`));
  const place = document.getElementById("difference-tables");
  const TELLING = 2;

  // Lines are numbers: the same number is the same line.
  const distances = (a, b) => {
    const table = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
    for (let i = a.length; i >= 0; i -= 1) for (let j = b.length; j >= 0; j -= 1) {
      if (i === a.length || j === b.length) { table[i][j] = a.length - i + b.length - j; continue; }
      if (a[i] === b[j]) { table[i][j] = table[i + 1][j + 1]; continue; }
      table[i][j] = 1 + Math.min(table[i + 1][j], table[i][j + 1]);
      if (lines[a[i]][0] === lines[b[j]][0]) table[i][j] = Math.min(table[i][j], 1 + table[i + 1][j + 1]);
    }
    return table;
  };
  const aligned = (a, b) => {
    const left = distances(a, b), rows = [];
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
      const both = i < a.length && j < b.length;
      let how = "added";
      if (both && a[i] === b[j]) how = "alike";
      else if (both && lines[a[i]][0] === lines[b[j]][0] && left[i][j] === 1 + left[i + 1][j + 1]) how = "changed";
      else if (i < a.length && left[i][j] === 1 + left[i + 1][j]) how = "removed";
      rows.push([how, how === "added" ? [] : lines[a[i]], how === "removed" ? [] : lines[b[j]]]);
      if (how !== "added") i += 1;
      if (how !== "removed") j += 1;
    }
    return rows;
  };
  const cell = (parts, against) => {
    const made = make("td");
    parts.forEach((part, index) => {
      const tag = index === 0 ? "b" : against && !against.includes(part) ? "mark" : "span";
      made.append(index ? " " : "", make(tag, {}, part));
    });
    return made;
  };
  const row = (how, name, ...cells) => make("tr", { className: how }, make("th", { scope: "row" }, name), ...cells);
  const show = () => {
    const [from, to] = [trials[one.value], trials[other.value]];
    const names = [...new Set([...Object.keys(from.choices), ...Object.keys(to.choices)])].filter(name => from.choices[name] !== to.choices[name]);
    const chosen = names.map(name => row("", name, make("td", {}, from.choices[name] ?? ""), make("td", {}, to.choices[name] ?? "")));
    const found = aligned(from.layers, to.layers), rows = [], count = { alike: 0, changed: 0, removed: 0, added: 0 };
    for (let at = 0; at < found.length;) {
      let end = at;
      while (end < found.length && found[end][0] === found[at][0]) end += 1;
      const how = found[at][0], some = found.slice(at, end);
      count[how] += some.length;
      if (how === "alike" && some.length > TELLING) {
        rows.push(row(how, said[how], make("td", { colSpan: 2 }, _("{number} layers", { number: some.length }))));
      } else for (const [, a, b] of some) {
        const against = how === "changed";
        rows.push(row(how, said[how], cell(a, against && b), cell(b, against && a)));
      }
      at = end;
    }
    const heads = [one.value, other.value].map(trial => _("Trial {trial}", { trial }));
    const both = { one: one.value, other: other.value };
    place.replaceChildren(
      tabulated("difference-choices", "difference made", _("Choices of trial {one} and trial {other} that differ: {count}.", { ...both, count: names.length }), [_("Choice"), ...heads], chosen),
      tabulated("difference-layers", "difference", _("Layers from trial {one} to trial {other}, inputs first: {changed} changed, {removed} removed, {added} added, {alike} alike.", { ...both, ...count }), [_("What"), ...heads], rows),
    );
    document.getElementById("difference-said").textContent = _("Choices that differ: {choices}; layers that differ: {layers}.", { choices: names.length, layers: count.changed + count.removed + count.added });
  };
  const choose = () => { keep("differ", `${one.value},${other.value}`); show(); };
  one.addEventListener("change", choose);
  other.addEventListener("change", choose);
  document.getElementById("difference-swap").addEventListener("click", () => { [one.value, other.value] = [other.value, one.value]; choose(); });
  const wanted = (state.get("differ") || "").split(",");
  if (wanted.length === 2 && wanted.every(trial => trial in trials)) { [one.value, other.value] = wanted; show(); }
  document.getElementById("difference-tools").hidden = false;
})();
