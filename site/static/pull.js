// The picture of the front page under a hand: twenty points, one of which can be pulled up, and the lines through them. What is drawn is computed
// here, from the points and the weights that the page holds: four products of 2 x 2 matrices a layer.

function ltProduct(A, B) {
  return A.map((row) => B[0].map((_, column) => row.reduce((sum, value, index) => sum + value * B[index][column], 0)));
}

// The slope of a model's line: minus the last row of (I + U_4) ... (I + U_1), where each layer's U is P S Q, and S changes from layer to layer.
function ltSlope({P, Q}, S) {
  let all = [[1, 0], [0, 1]];
  for (let layer = 0; layer < P.length; layer++) {
    const U = ltProduct(ltProduct(P[layer], S), Q[layer]);
    const T = U.map((row, i) => row.map((value, j) => value + (i === j)));
    S = ltProduct(ltProduct(T, S), [[T[0][0], T[1][0]], [T[0][1], T[1][1]]]);
    all = ltProduct(T, all);
  }
  return -all[1][0];
}

function ltMoments(x, y) {
  const mean = (one, other) => one.reduce((sum, value, index) => sum + value * other[index], 0) / one.length;
  return [[mean(x, x), mean(x, y)], [mean(y, x), mean(y, y)]];
}

function ltPull(root) {
  const {x, y, middle, models, top, axes} = JSON.parse(root.dataset.pull);
  const hand = document.getElementById("pull-hand"), words = document.getElementById("pull-me");
  const say = (name, value, digits) => (document.getElementById(`pull-${name}`).textContent = value.toFixed(digits));
  const across = (value) => ((value - axes.x[0]) / (axes.x[1] - axes.x[0])) * axes.width;
  const down = (value) => ((axes.y[1] - value) / (axes.y[1] - axes.y[0])) * axes.height;

  function show(height) {
    y[middle] = Math.min(Math.max(height, 0), top);
    const S = ltMoments(x, y);
    const slopes = {fit: S[0][1] / S[0][0], other: ltSlope(models.other, S), model: ltSlope(models.model, S)};
    for (const [name, slope] of Object.entries(slopes)) {
      const d = `M0 ${down(slope * axes.x[0])}L${axes.width} ${down(slope * axes.x[1])}`;
      document.getElementById(`pull-line-${name}`).setAttribute("d", d);
      say(name, slope, 2);
    }
    say("xx", S[0][0], 1), say("xy", S[0][1], 1), say("yx", S[1][0], 1), say("yy", S[1][1], 1);
    hand.setAttribute("transform", `translate(${across(0)} ${down(y[middle])})`);
    hand.setAttribute("aria-valuenow", y[middle]);
    hand.setAttribute("aria-valuetext", `y = ${y[middle].toFixed(1)}: the model's slope is ${slopes.model.toFixed(2)}, least squares' ${slopes.fit.toFixed(2)}`);
    words.setAttribute("y", down(y[middle]) + 5);
    root.classList.toggle("moved", y[middle] > 0);
  }

  const about = {tabindex: 0, role: "slider", "aria-label": "The point at x = 0", "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": top};
  for (const [name, value] of Object.entries(about)) hand.setAttribute(name, value);
  words.textContent = "pull me up";

  const svg = root.querySelector("svg");
  hand.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    hand.setPointerCapture(event.pointerId);
    hand.focus();
  });
  hand.addEventListener("pointermove", (event) => {
    if (!hand.hasPointerCapture(event.pointerId)) return;
    const box = svg.getBoundingClientRect();
    const share = (event.clientY - box.top) / box.height;
    show(axes.y[1] - share * (axes.y[1] - axes.y[0]));
  });
  const steps = {ArrowUp: 0.5, ArrowRight: 0.5, ArrowDown: -0.5, ArrowLeft: -0.5, PageUp: 3, PageDown: -3, Home: -top, End: top};
  hand.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    show(y[middle] + steps[event.key]);
  });
  show(0);
}

for (const root of document.querySelectorAll("[data-pull]")) ltPull(root);
