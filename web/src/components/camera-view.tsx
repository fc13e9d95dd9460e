// What the camera sees, its start and its stop, and why it was refused.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Camera } from "../camera";
import type { Extent } from "../marks";
import { Icon } from "./icon";

interface Props {
  camera: Camera;
  invitation: string; // what it is wanted for
  children?: ComponentChildren; // drawn on what it sees
  onSize?: (extent: Extent) => void;
}

export function CameraView({ camera, invitation, children, onSize }: Props) {
  const { state, sentence } = camera;
  const [ratio, setRatio] = useState(4 / 3);
  const sized = (video: HTMLVideoElement) => {
    if (!video.videoWidth) return;
    setRatio(video.videoWidth / video.videoHeight);
    onSize?.({ width: video.videoWidth, height: video.videoHeight });
  };
  return (
    <div class={`camera ${state}`} style={{ "--ratio": String(ratio) }}>
      {state === "on" ? (
        <>
          <video ref={camera.video} muted playsInline aria-label="What the camera sees" onLoadedMetadata={(event) => sized(event.currentTarget)} onResize={(event) => sized(event.currentTarget as HTMLVideoElement)} />
          {children}
        </>
      ) : (
        <div class="camera-off" role={state === "refused" ? "alert" : undefined}>
          <Icon name={state === "refused" ? "warning" : "camera"} size={40} />
          <p>{state === "refused" ? sentence : state === "asking" ? "Waiting for the camera: the browser may ask whether it may be used." : invitation}</p>
          {state !== "asking" && (
            <button type="button" class="button primary" onClick={() => camera.start()}>
              <Icon name="camera" /> {state === "refused" ? "Try again" : "Start the camera"}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Another camera, where there are several. */
export function CameraChoice({ camera }: { camera: Camera }) {
  if (camera.state !== "on" || camera.devices.length < 2) return null;
  const at = camera.devices.findIndex(({ deviceId }) => deviceId === camera.device);
  const next = camera.devices[(at + 1) % camera.devices.length] as MediaDeviceInfo;
  return (
    <button type="button" class="pill" title={next.label || "Another camera"} onClick={() => camera.start(next.deviceId)}>
      <Icon name="swap" size={16} /> <span>Other camera</span>
    </button>
  );
}
