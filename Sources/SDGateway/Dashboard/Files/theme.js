// Before anything is painted, so that nothing flashes in the wrong colours.
try {
  const theme = localStorage.getItem("sd-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's choice holds then.
}
