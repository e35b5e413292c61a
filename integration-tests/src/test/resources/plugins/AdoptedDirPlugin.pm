package PVE::Storage::Custom::AdoptedDirPlugin; ## no critic (RequireFilenameMatchesPackage)

# Stands for the plugin legacydir that a daemon serves, whose socket is in run/ beside this file.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

use PVE::Storage;
use Tenon::Proxy;

use base qw(PVE::Storage::Plugin);

$ENV{TENON_SOCKET} = dirname(abs_path(__FILE__)) . '/run/control.sock';

sub api { return 15 }

sub type { return 'legacydir' }

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1, none => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'],
    };
}

sub properties {
    return {
        'legacydir-quiet' => {
            description => "Do not print what is done.",
            type => 'boolean',
            default => 0,
        },
    };
}

sub options {
    return {
        path => { fixed => 1 },
        nodes => { optional => 1 },
        shared => { optional => 1 },
        disable => { optional => 1 },
        content => { optional => 1 },
        format => { optional => 1 },
        preallocation => { optional => 1 },
        'content-dirs' => { optional => 1 },
        'create-base-path' => { optional => 1 },
        'create-subdirs' => { optional => 1 },
        'legacydir-quiet' => { optional => 1 },
    };
}

Tenon::Proxy->install(__PACKAGE__, 'legacydir');

1;
