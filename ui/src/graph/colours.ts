// In place of d3-color, which d3's transitions bring along: here they move a view, and blend no colours.
export function color(): null {
  return null;
}
export { color as rgb, color as hsl, color as lab, color as hcl, color as cubehelix };
