// The icons, as paths of a 24 by 24 grid. Built as elements, so that no markup is ever parsed.

const PATHS = {
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  camera: "M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  catalogue: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  chat: "M4 5h16v11H10l-4 4v-4H4z",
  close: "M6 6l12 12M18 6L6 18",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  export: "M12 4v11M8 11l4 4 4-4M4 19h16",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  import: "M12 15V4M8 8l4-4 4 4M4 19h16",
  link: "M14 4h6v6M20 4l-9 9M18 14v5H5V6h5",
  log: "M12 7v5l3 2M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18z",
  moon: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",
  new: "M12 5H5v14h14v-7M10 14l1-3 8-8 2 2-8 8z",
  out: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 4M15.5 9.5h.01",
  quote: "M9 7H5v6h4v-2c0 3-1 4-3 5M19 7h-4v6h4v-2c0 3-1 4-3 5",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  retry: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  search: "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14zM16 16l5 5",
  send: "M12 19V5M6 11l6-6 6 6",
  spark: "M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8zM19 17v4M17 19h4",
  stop: "M7 7h10v10H7z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10H9",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}
