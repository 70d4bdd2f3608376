import "@xyflow/react/dist/base.css";
import "./styles/theme.css";
import "./styles/page.css";
import "./styles/graph.css";
import "./styles/edit.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { inFile, inWidget, overHttp, type WidgetModel } from "./host";
import { InFragment, InMemory, taken } from "./route";
import { StudioOf } from "./store";

/** The page of `budgetml studio`, or a file with one run in it. */
function page(root: HTMLElement): void {
  root.className = "studio page";
  const data = document.getElementById("studio-data")?.textContent;
  if (data) {
    const run = JSON.parse(data);
    const app = <StudioOf host={inFile(run)}><InMemory begin={["run", run.run.row.run_id]}><App /></InMemory></StudioOf>;
    return createRoot(root).render(<StrictMode>{app}</StrictMode>);
  }
  const { token } = taken(location.hash);
  const app = <StudioOf host={overHttp(token)}><InFragment token={token}><App /></InFragment></StudioOf>;
  createRoot(root).render(<StrictMode>{app}</StrictMode>);
}

/** The output of a notebook's cell. */
function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const root = document.createElement("div");
  root.className = "studio widget";
  el.append(root);
  const react = createRoot(root);
  const begin = model.get("place") as string[];
  react.render(<StudioOf host={inWidget(model)}><InMemory begin={begin}><App /></InMemory></StudioOf>);
  return () => react.unmount();
}

const root = document.getElementById("studio");
if (root) page(root);

export default { render };
