package PVE::Storage::Custom::BarePlugin;

# Says what it is, and inherits everything else.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 16 }

sub type { return 'bare' }

sub plugindata {
    return {
        content => [{ images => 1, iso => 1, backup => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'],
    };
}

sub options {
    return {
        path => { fixed => 1 },
        content => { optional => 1 },
        nodes => { optional => 1 },
        disable => { optional => 1 },
    };
}

1;
