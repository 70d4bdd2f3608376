// Builds budgetmlagent/studio/static from src: the same bytes from the same lock file.
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync, copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "budgetmlagent", "studio", "static");
process.chdir(here);
mkdirSync(out, { recursive: true });

const { metafile } = await build({
  entryPoints: { app: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "ascii", // no byte of it depends on how the file is served
  jsx: "automatic",
  legalComments: "none", // licences.txt has them in full
  define: { "process.env.NODE_ENV": '"production"' },
  alias: { "d3-color": "./src/graph/colours.ts" },
  metafile: true,
});
copyFileSync("src/index.html", join(out, "index.html"));
writeFileSync(join(out, "licences.txt"), licences(metafile));

/** The licence of each package that is in the bundle, as its authors want it kept; packages with the same text share it. */
function licences(metafile) {
  const used = Object.keys(metafile.inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  const packages = [...new Set(used.filter(Boolean))].sort();
  const texts = Map.groupBy(packages, (name) => licence(join("node_modules", name)));
  return [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}`).join("\n\n----\n\n") + "\n";
}

function licence(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file) return readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
  const { license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (!license || !existsSync(folder)) throw new Error(`${folder} tells no licence`);
  return `${license}${author ? `, ${author.name ?? author}` : ""}`;
}
