// A classic script in <head>: the stored theme must be in place before anything is painted.
try {
  const stored = localStorage.getItem("magpie-theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
} catch {
  // Storage may be forbidden; then the system's preference holds.
}
