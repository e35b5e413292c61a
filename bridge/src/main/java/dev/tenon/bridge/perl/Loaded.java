package dev.tenon.bridge.perl;

import dev.tenon.bridge.storage.Dialect;

/**
 * The version of a plugin that a process has loaded.
 *
 * @param file the name of the plugin's file
 * @param generation counts the versions of the file
 */
record Loaded(String file, int generation, PluginDescription description, Dialect dialect) {
    static Loaded of(String file, int generation, PluginDescription description) {
        return new Loaded(file, generation, description, description.dialect());
    }
}
