// The browser's camera: asked for, looked through, given back. Every way it can be refused has its sentence.
import { useEffect, useRef, useState } from "preact/hooks";
import { greyOf, greySize, type Grey } from "./follow";
import type { Extent } from "./marks";

export type CameraState = "off" | "asking" | "on" | "refused";

export interface Camera {
  video: { current: HTMLVideoElement | null };
  state: CameraState;
  sentence: string; // why it was refused
  start: (device?: string) => void;
  stop: () => void;
  devices: readonly MediaDeviceInfo[]; // cameras to choose from, once one was lent
  device: string; // the one that is on
  frame: () => Promise<Frame | null>; // what it sees now; null: nothing yet
  grey: () => Grey | null; // the same, small and grey
}

export interface Frame {
  picture: Blob; // JPEG
  width: number;
  height: number;
  grey: Grey;
  at: number; // ms, as performance.now
}

const LARGEST = 1280; // px of the longer side of a frame that is sent: small things need them

const REFUSED: Record<string, string> = {
  NotAllowedError: "The browser does not lend this page the camera. Allow it at the camera sign beside the address, then try again.",
  SecurityError: "The browser does not lend this page the camera. Allow it at the camera sign beside the address, then try again.",
  NotFoundError: "There is no camera on this machine, or it is not plugged in.",
  OverconstrainedError: "That camera is not there any more: try again with another one.",
  NotReadableError: "The camera does not answer: another program may be using it. Close that one, then try again.",
  AbortError: "The camera does not answer: another program may be using it. Close that one, then try again.",
};
const NOT_SECURE =
  "Browsers lend a camera only to pages from this very machine (http://127.0.0.1 or localhost) or over https: open the page there.";
const UNPLUGGED = "The camera stopped giving pictures: was it unplugged, or taken by another program?";

/** Why there is no camera, in a sentence. */
export function refusalOf(error: unknown): string {
  const name = error instanceof DOMException || error instanceof Error ? error.name : "";
  return REFUSED[name] ?? `The camera cannot be used (${name || String(error)}).`;
}

export function useCamera(): Camera {
  const video = useRef<HTMLVideoElement>(null);
  const stream = useRef<MediaStream | null>(null);
  const wanted = useRef(0); // counts what was asked for: who asks again, or leaves, gives up the one before
  const [state, setState] = useState<CameraState>("off");
  const [sentence, setSentence] = useState("");
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([]);
  const [device, setDevice] = useState("");

  const release = () => {
    for (const track of stream.current?.getTracks() ?? []) track.stop();
    stream.current = null;
    if (video.current) video.current.srcObject = null;
  };
  const refuse = (why: string) => {
    release();
    setSentence(why);
    setState("refused");
  };
  const stop = () => {
    wanted.current += 1;
    release();
    setState("off");
  };
  const begin = async (chosen?: string) => {
    const mine = (wanted.current += 1);
    release();
    if (!navigator.mediaDevices?.getUserMedia) return refuse(NOT_SECURE);
    setState("asking");
    try {
      const which = chosen ? { deviceId: { exact: chosen } } : { facingMode: { ideal: "environment" } };
      const lent = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...which, width: { ideal: LARGEST }, height: { ideal: 960 } } });
      if (mine !== wanted.current) {
        for (const track of lent.getTracks()) track.stop();
        return;
      }
      stream.current = lent;
      const [track] = lent.getVideoTracks();
      track?.addEventListener("ended", () => mine === wanted.current && refuse(UNPLUGGED));
      setDevice(track?.getSettings().deviceId ?? "");
      setState("on");
      const all = await navigator.mediaDevices.enumerateDevices();
      if (mine === wanted.current) setDevices(all.filter(({ kind }) => kind === "videoinput"));
    } catch (error) {
      if (mine === wanted.current) refuse(refusalOf(error));
    }
  };

  // The element comes with the state: only then is there something to look through.
  useEffect(() => {
    const element = video.current;
    if (state !== "on" || !element || !stream.current) return;
    element.srcObject = stream.current;
    element.play().catch(() => undefined); // given up by leaving
  }, [state, device]);
  useEffect(() => () => {
    wanted.current += 1;
    release();
  }, []);

  const frame = async (): Promise<Frame | null> => {
    const element = video.current;
    if (!element?.videoWidth) return null;
    const scale = Math.min(1, LARGEST / Math.max(element.videoWidth, element.videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(element.videoWidth * scale);
    canvas.height = Math.round(element.videoHeight * scale);
    canvas.getContext("2d")?.drawImage(element, 0, 0, canvas.width, canvas.height);
    const seen = greyFrom(canvas, canvas);
    const at = performance.now();
    const picture = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    return picture && seen && { picture, width: canvas.width, height: canvas.height, grey: seen, at };
  };

  const small = useRef<HTMLCanvasElement | null>(null);
  const greyFrom = (source: CanvasImageSource, extent: Extent): Grey | null => {
    small.current ??= document.createElement("canvas");
    const { width, height } = Object.assign(small.current, greySize(extent));
    const context = small.current.getContext("2d", { willReadFrequently: true });
    context?.drawImage(source, 0, 0, width, height);
    return context && greyOf(context.getImageData(0, 0, width, height));
  };
  const grey = () => {
    const element = video.current;
    return element?.videoWidth ? greyFrom(element, { width: element.videoWidth, height: element.videoHeight }) : null;
  };

  return { grey, video, state, sentence, start: (chosen) => void begin(chosen), stop, devices, device, frame };
}
