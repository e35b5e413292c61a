package Tenon::Inspect::Host;

use v5.36;

use File::Basename qw(basename);

use Tenon::Api;
use Tenon::Inspect::Names;
use Tenon::Loader;
use Tenon::Signatures;

use constant BASE => 'PVE/Storage/Plugin.pm';

# What the PVE on this machine has that Tenon does not know, by reading it; nothing of it is run.
sub look ($class, %opt) {
    my ($dir) = grep { -e "$_/" . BASE } grep { defined && !ref } $opt{pve_lib}, @INC;
    die BASE . ' is in none of ' . join(', ', grep { defined } $opt{pve_lib}, @INC) . "\n"
        if !defined($dir);
    my $api = Tenon::Api->load;
    my $base = Tenon::Loader::source("$dir/" . BASE);
    my $storage = -e "$dir/PVE/Storage.pm" ? Tenon::Loader::source("$dir/PVE/Storage.pm") : '';
    my ($version) = $storage =~ m/^use\s+constant\s+APIVER\s*=>\s*(\d+)/m;
    my ($age) = $storage =~ m/^use\s+constant\s+APIAGE\s*=>\s*(\d+)/m;
    my $subs = Tenon::Signatures::of($base);
    my %has = map { $_ => 1 } keys $subs->%*, _constants($base);
    my $level = defined($version) && $version < $api->newest ? $version : $api->newest;
    return {
        pve => "$dir/" . BASE,
        version => defined($version) ? 0 + $version : undef,
        age => defined($age) ? 0 + $age : undef,
        oldest => 0 + $api->oldest,
        newest => 0 + $api->newest,
        unknown => [_unknown($api, $subs, sort keys %has)],
        changed => [Tenon::Signatures::misfits($base, $level, _shared($api, $subs, $level))],
        lacks => [
            grep { $api->method($_)->{declared} && _is_in($api->method($_), $level) && !$has{$_} }
                $api->method_names
        ],
        types => [_types("$dir/PVE/Storage", $base)],
    };
}

sub _constants ($source) {
    my @names = $source =~ m/^use\s+constant\s+(\w+)\s*=>/mg;
    while ($source =~ m/^use\s+constant\s*\{(.*?)^\}/msg) {
        my $block = $1;
        push @names, $block =~ m/^\s*(\w+)\s*=>/mg;
    }
    return @names;
}

# Private ones do not matter. A sub that takes the class first is a method.
sub _unknown ($api, $subs, @names) {
    my %method = map { $_ => 1 } $api->method_names;
    my $known = Tenon::Inspect::Names->load;
    my @unknown;
    for my $name (@names) {
        next if $name =~ m/\A_/ || $method{$name};
        next if $known->has_function('PVE::Storage::Plugin', $name);
        my $unpacked = $subs->{$name};
        my ($first, @rest) = ($unpacked // [])->@*;
        my $is_method = defined($first) && $first =~ m/\A\$(?:class|self|plugin)\z/;
        push @unknown,
            {
            name => $name,
            kind => $is_method ? 'method' : defined($first) ? 'function' : 'unread',
            parameters => [map { s/\A[\$\@]//r } $is_method ? @rest : ($unpacked // [])->@*],
            };
    }
    return @unknown;
}

sub _is_in ($method, $level) {
    return $method->{since} <= $level && $level <= ($method->{until} // $level);
}

sub _shared ($api, $subs, $level) {
    return grep { $subs->{$_} && _is_in($api->method($_), $level) } $api->method_names;
}

# Types that Tenon does not know, which a plugin must not have: those of PVE's classes, and those it only names as shared.
sub _types ($dir, $base) {
    my $known = Tenon::Inspect::Names->load;
    my %types;
    for my $file (glob("$dir/*Plugin.pm")) {
        my ($type) =
            Tenon::Loader::source($file) =~ m/^\s*sub\s+type\s*\{\s*return\s+["']([\w-]+)["']/m;
        $types{$type} = basename($file) if defined($type);
    }
    if ($base =~ m/\@SHARED_STORAGE\s*=\s*(?:qw)?\s*\(([^)]*)\)/) {
        my $list = $1;
        $types{$_} //= 'the shared types' for $list =~ m/([\w-]+)/g;
    }
    return map { { name => $_, in => $types{$_} } }
        grep { !$known->was_core_type($_) } sort keys %types;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Host - what the PVE on this machine has that Tenon does not know

=head1 SYNOPSIS

    my $report = Tenon::Inspect::Host->look(pve_lib => $dir);

=head1 DESCRIPTION

Reads PVE's base class of storage plugins and what is around it, and compares with the table of methods. What it finds is
what an entry for a new API level needs.

=head1 METHODS

=head2 look

C<pve_lib> is a directory with PVE's own libraries, undef for an installed PVE. Dies in one sentence if there is none. The
report is plain data: C<pve>, the base class's file; C<version> and C<age> of the host's API, undef if they cannot be read;
C<oldest> and C<newest> that Tenon knows; C<unknown>, the subs of the base class that no table has, each with C<name>,
C<kind> (C<method>, C<function>, or C<unread> if its parameters cannot be read) and C<parameters>; C<changed>, sentences
about known methods that unpack another number of parameters; C<lacks>, methods of its level that it has not; C<types>,
storage types that no table has, with C<name> and C<in>.

=cut
