"""Packs: conversion to every target, the runners that execute them, and the proof that they equal their source."""
