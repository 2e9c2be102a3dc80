"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const sound = byId("sound"), follow = byId("follow"), search = byId("search"), lines = [...byId("lines").children];
  const starts = data.lines.map((line) => line[0]);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let now = -1, word = null, hits = [], here = -1;

  // The last line that has begun at a time in milliseconds; -1 before the first.
  const lineAt = (ms) => {
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= ms) low = middle + 1; else high = middle;
    }
    return low - 1;
  };
  const show = (element) => {
    const far = Math.abs(element.getBoundingClientRect().top) > 2 * innerHeight;
    element.scrollIntoView({ block: "center", behavior: far || calm.matches ? "auto" : "smooth" });
  };

  // Words become elements of their own only where somebody looks: hours of them would be slow.
  const unfold = (index) => {
    const text = lines[index].querySelector(".text"), words = data.lines[index][1];
    if (!text || text.dataset.words) return;
    text.dataset.words = words.length;
    text.replaceChildren(...words.map(([start, , said, flags], number) => {
      const span = document.createElement("span");
      span.textContent = number ? said : said.trimStart();
      span.dataset.at = start;
      if (flags & 1) span.className = "both";
      if (flags & 2) span.className += " unsure";
      return span;
    }));
    if (here >= 0 && hits[here] === index) mark(index);
  };
  const looked = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) unfold(Number(entry.target.id.slice(1)));
  }, { rootMargin: "200px" });
  if (data.lines.length) lines.forEach((line) => looked.observe(line));

  const at = (ms, scroll) => {
    const needle = byId("needle");
    if (needle && data.end > data.start) needle.setAttribute("x", (1000 * (ms - data.start)) / (data.end - data.start));
    const index = lineAt(ms);
    if (index !== now) {
      lines[now]?.classList.remove("now");
      lines[now]?.removeAttribute("aria-current");
      now = index;
      if (now >= 0) {
        lines[now].classList.add("now");
        lines[now].setAttribute("aria-current", "true");
        unfold(now);
        if (scroll) show(lines[now]);
      }
    }
    word?.classList.remove("word");
    word = null;
    for (const span of now >= 0 ? lines[now].querySelectorAll("[data-at]") : []) {
      if (Number(span.dataset.at) > ms) break;
      word = span;
    }
    word?.classList.add("word");
  };
  const seek = (ms, scroll) => {
    if (sound) sound.currentTime = (ms - data.offset) / 1000;
    at(ms, scroll);
  };
  const time = () => (sound ? sound.currentTime * 1000 + data.offset : now >= 0 ? starts[now] : data.start);

  if (sound) {
    const tick = () => {
      at(time(), follow.checked);
      if (!sound.paused) requestAnimationFrame(tick);
    };
    sound.addEventListener("play", tick);
    sound.addEventListener("seeked", () => at(time(), follow.checked));
    sound.addEventListener("timeupdate", () => at(time(), follow.checked));
    // Whoever scrolls wants to read elsewhere.
    for (const kind of ["wheel", "touchmove"]) addEventListener(kind, () => { if (!sound.paused) follow.checked = false; }, { passive: true });
  }
  byId("lines").addEventListener("click", (event) => {
    const line = event.target.closest("li");
    if (!line || !data.lines.length || getSelection().toString()) return;
    const place = event.target.closest("[data-at]");
    if (place) seek(Number(place.dataset.at));
    else if (event.target.closest(".at")) seek(starts[Number(line.id.slice(1))]);
  });

  const timeline = byId("timeline");
  timeline?.addEventListener("click", (event) => {
    const box = timeline.getBoundingClientRect();
    seek(data.start + ((event.clientX - box.left) / box.width) * (data.end - data.start), true);
  });

  const clean = () => {
    for (const line of lines) {
      if (!line.classList.contains("hit")) continue;
      line.classList.remove("hit", "here");
      const text = line.querySelector(".text");
      if (text?.querySelector("mark")) {
        for (const found of text.querySelectorAll("mark")) found.replaceWith(...found.childNodes);
        text.normalize();
      }
    }
  };
  const mark = (index) => {
    const wanted = search.value.trim().toLowerCase(), text = lines[index].querySelector(".text");
    if (!wanted || !text || text.querySelector("mark")) return;
    const whole = text.textContent.toLowerCase(), from = whole.indexOf(wanted), to = from + wanted.length;
    if (from < 0) return;
    let place = 0;
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT), parts = [];
    while (walker.nextNode()) {
      const node = walker.currentNode, start = place;
      place += node.length;
      if (place > from && start < to) parts.push([node, Math.max(0, from - start), Math.min(node.length, to - start)]);
    }
    for (const [node, first, last] of parts) {
      const range = document.createRange();
      range.setStart(node, first);
      range.setEnd(node, last);
      range.surroundContents(document.createElement("mark"));
    }
  };
  const go = (step) => {
    if (!hits.length) return;
    if (here >= 0) lines[hits[here]].classList.remove("here");
    here = (here + step + hits.length) % hits.length;
    const line = lines[hits[here]];
    line.classList.add("here");
    unfold(hits[here]);
    mark(hits[here]);
    show(line);
    byId("hits").value = `${here + 1} of ${hits.length}`;
  };
  const look = () => {
    clean();
    const wanted = search.value.trim().toLowerCase();
    hits = [];
    here = -1;
    if (wanted) data.lines.forEach((line, index) => { if (line[2].toLowerCase().includes(wanted)) hits.push(index); });
    for (const index of hits) {
      lines[index].classList.add("hit");
      mark(index);
    }
    byId("hits").value = wanted && !hits.length ? "not said" : "";
    go(1);
  };
  search.addEventListener("input", look);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { search.value = ""; look(); search.blur(); }
  });
  byId("next").addEventListener("click", () => go(1));
  byId("previous").addEventListener("click", () => go(-1));

  const names = [...document.querySelectorAll("input.name")];
  const changed = () => names.filter((input) => input.value.trim() && input.value.trim() !== data.voices[input.dataset.voice].name);
  for (const input of names) {
    input.addEventListener("input", () => {
      const voice = data.voices[input.dataset.voice], shown = input.value.trim() || voice.name;
      for (const who of document.querySelectorAll(`.who[data-voice="${input.dataset.voice}"]`)) who.textContent = shown;
      byId("save").hidden = !changed().length;
      byId("saved").textContent = "";
    });
  }
  byId("save")?.addEventListener("click", () => {
    const given = Object.fromEntries(changed().map((input) => [data.voices[input.dataset.voice].label, input.value.trim()]));
    const text = `# auricle run FILE ${data.recording}\nname: names\nsteps:\n  - name_speakers: ${JSON.stringify({ names: given })}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    link.download = `${data.title}.names.yaml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    byId("saved").textContent = `auricle run "${link.download}" ${data.recording} puts them into the library.`;
  });

  byId("help").addEventListener("click", () => byId("keys").showModal());
  addEventListener("keydown", (event) => {
    const inside = event.target.closest("input, button, audio, dialog, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || (inside && event.target.id !== "follow")) return;
    const keys = {
      " ": () => sound && (sound.paused ? sound.play().catch(() => {}) : sound.pause()), // a pause before it has begun is no error
      ArrowLeft: () => seek(Math.max(data.start, time() - 5000), true),
      ArrowRight: () => seek(Math.min(data.end, time() + 5000), true),
      ArrowUp: () => seek(starts[Math.max(0, now - 1)] ?? data.start, true),
      ArrowDown: () => seek(starts[Math.min(starts.length - 1, now + 1)] ?? data.start, true),
      "/": () => search.focus(),
      f: () => { if (follow) follow.checked = !follow.checked; },
      "?": () => byId("keys").showModal(),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
})();
