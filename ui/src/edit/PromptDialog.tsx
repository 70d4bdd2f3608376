// A prompt's text. One that is shipped is edited as a copy beside the graph.
import { useEffect, useState } from "react";
import { visible } from "../format";
import { Dialog } from "../parts";
import { useAsk, useReply } from "../store";

export function PromptDialog({ prompt, graph, close, saved }: { prompt: string; graph: string; close(): void; saved(path: string): void }) {
  const { reply, error } = useReply("prompt", { prompt, graph });
  const [text, setText] = useState("");
  const ask = useAsk();
  useEffect(() => setText(reply?.text ?? ""), [reply]);
  const own = reply && !reply.read_only;
  const path = reply ? (own ? reply.path : reply.copy) : "";
  const save = async () => {
    const done = await ask("save", { path, text, hash: own ? reply!.hash : "" });
    if (done) saved(done.path);
  };
  return (
    <Dialog title={`Prompt ${visible(prompt)}`} close={close}>
      {error && <p className="finding">{visible(error)}</p>}
      {reply && (
        <>
          <textarea aria-label="Text" rows={20} value={text} onChange={(event) => setText(event.target.value)} />
          <footer><span className="dim small grow">{own ? visible(path) : `is saved as a copy: ${visible(path)}`}</span>
            <button type="button" onClick={close}>Cancel</button>
            <button type="button" className="primary" disabled={own === true && text === reply.text} onClick={() => void save()}>Save</button></footer>
        </>
      )}
    </Dialog>
  );
}
