import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width="18"
      height="18"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const Search = () => (
  <Icon>
    <circle cx="9" cy="9" r="5.4" />
    <path d="m13 13 4 4" />
  </Icon>
);
export const Clock = () => (
  <Icon>
    <circle cx="10" cy="10" r="7" />
    <path d="M10 6v4.2l2.8 1.6" />
  </Icon>
);
export const Page = () => (
  <Icon>
    <path d="M5 2.8h6.5L15.5 7v10.2H5z" />
    <path d="M11.3 3v4.2h4M7.8 10.5h4.8M7.8 13.5h4.8" />
  </Icon>
);
export const Close = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);
export const Arrow = () => (
  <Icon>
    <path d="M10 16V4.5M5 9.3l5-5 5 5" />
  </Icon>
);
export const Square = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="9" height="9" rx="1.6" fill="currentColor" stroke="none" />
  </Icon>
);
export const Sun = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.4" />
    <path d="M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M4.5 15.5l1.1-1.1M14.4 5.6l1.1-1.1" />
  </Icon>
);
export const Moon = () => (
  <Icon>
    <path d="M16.3 11.8A6.9 6.9 0 0 1 8.2 3.7a6.9 6.9 0 1 0 8.1 8.1z" />
  </Icon>
);
export const HalfMoon = () => (
  <Icon>
    <circle cx="10" cy="10" r="6.8" />
    <path d="M10 3.2a6.8 6.8 0 0 1 0 13.6z" fill="currentColor" stroke="none" />
  </Icon>
);
export const Logo = () => (
  <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <path class="logo-brackets" d="M11.5 6H7v20h4.5M20.500 6H25v20h-4.5" />
    <rect class="logo-quote" x="11.500" y="13.200" width="9" height="5.600" rx="1.400" />
  </svg>
);
