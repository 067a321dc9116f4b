"""Markov decision processes as tables, in float64: written from the texts that define them.

Each gives transition probabilities [states, actions, next states] and expected rewards [states,
actions].
"""

import math

import numpy as np


def average_reward(transitions, rewards, epsilon=0.0, sweeps=20_000):
    """The optimal average reward, and the greedy actions, by relative value iteration.

    `epsilon`: of the best policy that explores so often. Damped, so that periodic chains settle.
    """
    values = np.zeros(len(rewards))
    for _ in range(sweeps):
        q = rewards + transitions @ values
        backed = (1 - epsilon) * q.max(1) + epsilon * q.mean(1)
        change = backed - values
        values = values + 0.5 * (change - change[0])
        if np.ptp(change) < 1e-10:
            break
    return change.mean(), q.argmax(1)


def river_swim():
    """Figure 2 of Osband, Russo and Van Roy (2013)."""
    transitions, rewards = np.zeros((6, 2, 6)), np.zeros((6, 2))
    for place in range(6):
        transitions[place, 0, max(place - 1, 0)] = 1.0
    transitions[0, 1, :2] = 0.4, 0.6
    for place in range(1, 5):
        transitions[place, 1, place - 1 : place + 2] = 0.05, 0.6, 0.35
    transitions[5, 1, 4:] = 0.4, 0.6
    rewards[0, 0], rewards[5, 1] = 0.005, 1.0
    return transitions, rewards


def access_control(servers=10, payments=(1, 2, 4, 8), free_probability=0.06):
    """Example 10.2 of Sutton and Barto (2018); the server just given may become free at once."""
    n = len(payments)
    transitions, rewards = np.zeros(((servers + 1) * n, 2, (servers + 1) * n)), None
    rewards = np.zeros((len(transitions), 2))
    for free in range(servers + 1):
        for priority in range(n):
            for action in (0, 1):
                accepted = int(action == 1 and free > 0)
                here = free * n + priority
                rewards[here, action] = accepted * payments[priority]
                busy = servers - free + accepted
                for freed in range(busy + 1):
                    chance = math.comb(busy, freed) * free_probability**freed
                    chance *= (1 - free_probability) ** (busy - freed)
                    there = (servers - busy + freed) * n
                    transitions[here, action, there : there + n] += chance / n
    return transitions, rewards


def two_rooms(n=5, slip=0.1):
    """Drawn as a map, and walked by its letters."""
    wall = "#" * (2 * n + 3)
    rows = [wall]
    for row in range(n):
        door = "D" if row == (n - 1) // 2 else "#"
        right = "r" * (n - 1) + ("G" if row == 0 else "r")
        rows.append("#" + "l" * n + door + right + "#")
    rows.append(wall)
    places = [(y, x) for y, row in enumerate(rows) for x, c in enumerate(row) if c != "#"]
    order = {"l": 0, "D": 1, "r": 2, "G": 2}
    places.sort(key=lambda p: (order[rows[p[0]][p[1]]], p))
    number = {place: i for i, place in enumerate(places)}
    size, starts = len(places), [i for p, i in number.items() if rows[p[0]][p[1]] == "l"]
    transitions, rewards = np.zeros((size, 4, size)), np.zeros((size, 4))
    ways = ((-1, 0), (0, 1), (1, 0), (0, -1))
    for (y, x), here in number.items():
        if rows[y][x] == "G":
            rewards[here] = 1.0
            transitions[here][:, starts] = 1.0 / len(starts)
            continue
        for action in range(4):
            for way, (down, right) in enumerate(ways):
                chance = slip / 4 + (1 - slip) * (way == action)
                there = number.get((y + down, x + right), here)
                transitions[here, action, there] += chance
    return transitions, rewards
