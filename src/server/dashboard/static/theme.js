// The theme that was chosen here before, set before anything is drawn.
try {
  const chosen = localStorage.getItem('muster-theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // A browser that keeps nothing goes by the system's theme.
}
