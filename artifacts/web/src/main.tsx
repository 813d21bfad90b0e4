import './styles/base.css';
import './styles/layout.css';
import './styles/sidebar.css';
import './styles/chat.css';
import './styles/composer.css';
import './styles/memory.css';
import './styles/fund.css';
import './styles/machine-text.css';
import './styles/markdown.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app.tsx';

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
