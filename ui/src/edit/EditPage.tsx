export function EditPage({ graph }: { graph: string; run: string }) { return <p>{graph}</p>; }
