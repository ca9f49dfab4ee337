// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What programs are called
interface IProgramNames {
    /// @notice The name of a program: any bytes that its manager chose, not necessarily well-formed UTF-8.
    function programName(uint32 program) external view returns (string memory);
}
