// Trade-offs: the scale of the costs, and a range of costs and scores that is dragged or typed. The architectures in it
// are marked in all charts, and the ranking shows these only. The address keeps it: range=scatter-0:from:to:from:to.
(() => {
  const { _, state, keep, all, restrict } = report;
  const figures = all(".range").map(tools => {
    const figure = tools.closest("figure"), said = tools.querySelector(".said");
    const held = JSON.parse(document.getElementById(`${figure.id}-data`).textContent);
    return { figure, tools, held, fields: all("input", tools), said, told: said.textContent };
  });
  const NAMESPACE = "http://www.w3.org/2000/svg";

  // ---- scales
  const scaled = new Set((state.get("scale") || "").split(",").filter(Boolean));
  for (const { figure, tools } of figures) {
    const chosen = tools.querySelector(".scales");
    tools.hidden = false;
    if (!chosen) continue;
    const dress = () => { for (const scale of all(".scale", figure)) scale.hidden = scale.dataset.scale !== chosen.value; };
    if (scaled.has(figure.id)) { chosen.selectedIndex = 1; dress(); }
    chosen.addEventListener("change", () => {
      if (chosen.selectedIndex) scaled.add(figure.id); else scaled.delete(figure.id);
      keep("scale", [...scaled].join(","));
      dress();
      draw();
    });
  }

  // ---- the range: of one figure at a time, [[from, to] of the cost, [from, to] of the score], null for an open end
  let chosen = null, range = null;
  const within = (value, [from, to]) => (from === null || value >= from) && (to === null || value <= to);
  const plain = number => number === null ? "" : String(Number(number.toPrecision(4)));
  const plot = chart => chart.querySelector(".role-frame path.background");
  const place = (value, [low, high], kind) => kind === "log" ? Math.log(Math.max(value, 1e-300) / low) / Math.log(high / low) : (value - low) / (high - low);
  const draw = () => {
    for (const old of all("rect.brush")) old.remove();
    if (!chosen) return;
    for (const scale of all(".scale", chosen.figure)) {
      const frame = plot(scale.querySelector("svg")), box = frame.getBBox(), clip = share => Math.min(1, Math.max(0, share));
      const { across, up } = chosen.held, [[left, right], [low, high]] = range;
      const x = [left === null ? 0 : clip(place(left, across[scale.dataset.scale], scale.dataset.scale)), right === null ? 1 : clip(place(right, across[scale.dataset.scale], scale.dataset.scale))];
      const y = [high === null ? 0 : 1 - clip(place(high, up, "linear")), low === null ? 1 : 1 - clip(place(low, up, "linear"))];
      const rect = document.createElementNS(NAMESPACE, "rect");
      const size = { class: "brush", x: box.width * x[0], y: box.height * y[0], width: Math.max(0, box.width * (x[1] - x[0])), height: Math.max(0, box.height * (y[1] - y[0])) };
      for (const [name, value] of Object.entries(size)) rect.setAttribute(name, value);
      frame.after(rect);
    }
  };
  const choose = (one, wanted) => {
    const open = !wanted || wanted.flat().every(end => end === null);
    [chosen, range] = open ? [null, null] : [one, wanted];
    for (const other of figures) {
      const ends = other === chosen ? range.flat() : [null, null, null, null];
      other.fields.forEach((field, index) => { if (document.activeElement !== field) field.value = plain(ends[index]); });
      other.said.textContent = other.told;
    }
    draw();
    if (!chosen) { keep("range", ""); restrict(null); return; }
    keep("range", [chosen.figure.id, ...range.flat().map(plain)].join(":"));
    const found = Object.entries(chosen.held.values).filter(([, pair]) => pair.every((value, axis) => within(value, range[axis]))).map(([trial]) => trial);
    restrict(new Set(found));
    chosen.said.textContent = _("Architectures of the ranking in this range: {count}.", { count: found.length });
  };
  const number = text => text.trim() === "" || isNaN(Number(text)) ? null : Number(text);
  const ranged = texts => [[number(texts[0]), number(texts[1])], [number(texts[2]), number(texts[3])]];

  for (const one of figures) {
    const typed = () => choose(one, ranged(one.fields.map(field => field.value)));
    for (const field of one.fields) { field.addEventListener("input", typed); field.addEventListener("blur", () => { if (chosen === one) typed(); }); }
    one.tools.querySelector(".clear").addEventListener("click", () => { for (const field of one.fields) field.value = ""; choose(one, null); });
    for (const scale of all(".scale", one.figure)) {
      const chart = scale.querySelector("svg"), kind = scale.dataset.scale;
      let from = null, moved = false;
      const shares = event => {
        const box = plot(chart).getBoundingClientRect();
        return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
      };
      // What reaches beyond the outermost mark is open there.
      const value = (share, axis) => {
        const [low, high] = axis ? one.held.up : one.held.across[kind];
        const at = !axis && kind === "log" ? low * (high / low) ** share : low + share * (high - low);
        const [least, most] = one.held.ends[axis];
        return at <= least ? -Infinity : at >= most ? Infinity : Number(at.toPrecision(4));
      };
      chart.classList.add("ranged");
      chart.addEventListener("pointerdown", event => {
        const at = shares(event);
        if (event.button || at.some(share => share < 0 || share > 1)) return;
        [from, moved] = [at, false];
      });
      chart.addEventListener("pointermove", event => {
        if (!from) return;
        const to = shares(event);
        if (!moved && Math.hypot((to[0] - from[0]) * 340, (to[1] - from[1]) * 210) < 6) return;
        if (!moved) { moved = true; chart.setPointerCapture(event.pointerId); }
        event.preventDefault();
        choose(one, [0, 1].map(axis => {
          const ends = [from[axis], to[axis]].sort((a, b) => a - b).map(share => value(share, axis));
          return ends.map(end => isFinite(end) ? end : null);
        }));
      });
      const end = () => { from = null; };
      chart.addEventListener("pointerup", end);
      chart.addEventListener("pointercancel", end);
      // A drag is no click on the mark that it began or ended on.
      chart.addEventListener("click", event => { if (moved) { event.stopPropagation(); moved = false; } }, true);
    }
  }
  const [id, ...texts] = (state.get("range") || "").split(":");
  const wanted = figures.find(one => one.figure.id === id);
  if (wanted && texts.length === 4) {
    wanted.tools.querySelector(".ends").open = true; // not while dragging: the picture would move away
    choose(wanted, ranged(texts));
  }
})();
